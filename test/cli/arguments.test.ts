import { describe, expect, it } from 'vitest';
import { parseCommandLine, UsageError } from '../../src/cli/arguments.ts';

const parse = (line: string) => parseCommandLine(line.split(' ').filter(Boolean));

describe('a command line', () => {
  it('may be empty', () => {
    expect(parse('')).toEqual({ command: undefined, configFile: undefined, flags: {} });
  });

  it('has a command, a configuration file and flags in any order', () => {
    expect(parse('--port 1 serve --config bus.json --data-dir=/x')).toMatchObject({
      command: 'serve',
      configFile: 'bus.json',
      flags: { '--port': '1', '--data-dir': '/x' },
    });
  });

  it.each([
    ['serve --persistence-enabled', 'true'],
    ['serve --persistence-enabled --port 1', 'true'],
    ['--persistence-enabled serve', 'true'],
    ['serve --persistence-enabled true', 'true'],
    ['serve --persistence-enabled false', 'false'],
    ['--persistence-enabled 0 serve', '0'],
    ['serve --persistence-enabled=false', 'false'],
    ['serve --persistence-enabled=maybe', 'maybe'],
  ])('`%s` sets the switch to %s', (line, value) => {
    expect(parse(line)).toMatchObject({ command: 'serve', flags: { '--persistence-enabled': value } });
  });

  it('takes the last of a repeated flag', () => {
    expect(parse('--port 1 --port 2').flags).toEqual({ '--port': '2' });
  });

  it('takes a value that begins with a dash where it is joined', () => {
    expect(parse('--api-key=--secret--').flags).toEqual({ '--api-key': '--secret--' });
  });

  it.each(['--help', '-h', 'serve --help'])('`%s` asks for help', (line) => expect(parse(line).wants).toBe('help'));
  it.each(['--version', '-v'])('`%s` asks for the version', (line) => expect(parse(line).wants).toBe('version'));

  it.each([
    ['--prot 1', 'unknown flag --prot; did you mean --port?'],
    ['serve -x', 'unknown flag -x'],
    ['--dataDir x', 'unknown flag --dataDir; did you mean --data-dir?'],
    ['--port', '--port needs a value'],
    ['--port --host x', '--port needs a value'],
    ['--config', '--config needs a value'],
    ['serve health', 'one command at a time, not serve health'],
    ['--no-auto-advance', 'unknown flag --no-auto-advance; did you mean --auto-advance?'],
  ])('`%s` is refused: %s', (line, message) => {
    expect(() => parse(line)).toThrow(new UsageError(message));
  });
});
