import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { resolveApiKey } from '../../src/config/api-key.ts';
import { resolveOptions } from '../../src/config/config.ts';
import { isLoopback } from '../../src/config/loopback.ts';
import type { Config } from '../../src/protocol/types.gen.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

const resolve = (options: Config) => resolveApiKey(resolveOptions(options));
const persistent = (): Config => ({ persistenceEnabled: true, dataDir: join(folder, 'data') });
const keyFile = () => join(folder, 'data', 'api-key');

describe('loopback', () => {
  it.each(['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1', '0:0:0:0:0:0:0:1', 'localhost', 'LOCALHOST'])(
    'is %s',
    (host) => expect(isLoopback(host)).toBe(true),
  );
  it.each([
    '0.0.0.0',
    '::',
    '10.0.0.1',
    '128.0.0.1',
    'example.com',
    'localhost.example.com',
    '127.0.0.1.nip.io',
    '127.1',
  ])('is not %s', (host) => expect(isLoopback(host)).toBe(false));
});

describe('a configured key', () => {
  it('is used as it is and written nowhere', () => {
    expect(resolve({ ...persistent(), apiKey: 'dev-key' })).toEqual({ apiKey: 'dev-key', generated: false });
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('without a configured key', () => {
  it.each([0o666, 0o642, 0o604])('one that everybody can read or write is refused: mode %i', (mode) => {
    resolve(persistent());
    chmodSync(keyFile(), mode);
    expect(() => resolve(persistent())).toThrow(`mode ${mode.toString(8)}): chmod 600 it`);
  });

  it('one is made at the first start, kept for its owner only, and used again', () => {
    const first = resolve(persistent());
    expect(first).toEqual({ apiKey: expect.stringMatching(/^abk_[\w-]{32}$/), generated: true, path: keyFile() });
    expect(readFileSync(keyFile(), 'utf8')).toBe(`${first.apiKey}\n`);
    expect(statSync(keyFile()).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'data')).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(folder, 'data'))).toEqual(['api-key']);
    expect(resolve(persistent())).toEqual(first);
  });

  it('and without persistence one is made for this run and written nowhere', () => {
    const options: Config = { dataDir: join(folder, 'data') };
    const first = resolve(options);
    expect(first).toEqual({ apiKey: expect.stringMatching(/^abk_[\w-]{32}$/), generated: true });
    expect(resolve(options).apiKey).not.toBe(first.apiKey);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each(['', 'short\n', 'two words that are long enough\n'])(
    'a key file that holds %j is refused by name',
    (text) => {
      mkdirSync(join(folder, 'data'));
      writeFileSync(keyFile(), text);
      expect(() => resolve(persistent())).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(keyFile()) }),
      );
      expect(readFileSync(keyFile(), 'utf8')).toBe(text);
    },
  );

  it('a data directory that cannot be made is refused by name', () => {
    writeFileSync(join(folder, 'data'), '');
    expect(() => resolve(persistent())).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(keyFile()) }),
    );
  });
});

describe('beyond loopback', () => {
  it.each([undefined, 'fifteen-letters'])('the key %s is refused before anything is written', (apiKey) => {
    const options = { ...persistent(), host: '0.0.0.0', ...(apiKey !== undefined && { apiKey }) };
    expect(() => resolve(options)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('at least 16 characters'),
        details: [expect.objectContaining({ path: '/apiKey' })],
      }),
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  it('a key that the bus once made does not count as configured', () => {
    resolve(persistent());
    expect(() => resolve({ ...persistent(), host: '::' })).toThrow('apiKey must be set');
  });

  it('a key of 16 characters will do', () => {
    expect(resolve({ host: '0.0.0.0', apiKey: 'sixteen-letters!' }).generated).toBe(false);
  });
});
