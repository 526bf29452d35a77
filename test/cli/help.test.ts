import { describe, expect, it } from 'vitest';
import { localUrl } from '../../src/cli/address.ts';
import { commandNames, helpText } from '../../src/cli/help.ts';
import { settings } from '../../src/config/settings.ts';

describe('the help', () => {
  it.each([undefined, ...commandNames])(
    'of %s shows every setting with flag, variable, default and description',
    (name) => {
      const lines = helpText(name).split('\n');
      for (const { flagName, environmentName, default: byDefault, description } of settings) {
        const at = lines.findIndex((line) => line.startsWith(`  ${flagName} `));
        expect(lines[at]).toContain(environmentName);
        expect(lines[at]).toContain(byDefault === undefined ? 'no default' : `default ${byDefault}`);
        expect(description).toMatch(/\.$/);
        expect(lines[at + 1]).toContain(description);
      }
    },
  );

  it('names every command', () => {
    for (const name of commandNames) {
      expect(helpText()).toMatch(new RegExp(`^ {2}${name}$`, 'm'));
      expect(helpText(name)).toMatch(new RegExp(`^Usage: agent-bus ${name} `));
    }
  });
});

describe('the address to call', () => {
  it.each([
    ['127.0.0.1', 'http://127.0.0.1:80'],
    ['0.0.0.0', 'http://127.0.0.1:80'],
    ['::', 'http://[::1]:80'],
    ['::1', 'http://[::1]:80'],
    ['localhost', 'http://localhost:80'],
  ])('of %s is %s', (host, url) => expect(localUrl({ host }, 80)).toBe(url));
});
