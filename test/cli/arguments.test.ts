import { describe, expect, it } from 'vitest';
import { operandOf, parseCommandLine, UsageError } from '../../src/cli/arguments.ts';

const onSwitch = '--persistence-enabled takes true or false after a space or =, or stands alone; not';
const parse = (line: string) => parseCommandLine(line.split(' ').filter(Boolean));

describe('a command line', () => {
  it('may be empty', () => {
    expect(parse('')).toEqual({ command: undefined, operands: [], configFile: undefined, flags: {}, commandFlags: {} });
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
    ['check-config --persistence-enabled yes', `${onSwitch} yes`],
    ['--persistence-enabled Off serve', `${onSwitch} Off`],
    ['serve --overlap 1h', 'unknown flag --overlap'],
    ['--name x', 'unknown flag --name'],
    ['keys create --scope send', 'unknown flag --scope; did you mean --scopes?'],
    ['keys create --user', '--user needs a value'],
    ['--no-auto-advance', 'unknown flag --no-auto-advance; did you mean --auto-advance?'],
  ])('`%s` is refused: %s', (line, message) => {
    expect(() => parse(line)).toThrow(new UsageError(message));
  });

  it('may have flags that belong to its command alone', () => {
    const { flags, commandFlags } = parse('keys create --port 1 --workspace team-a');
    expect({ flags, commandFlags }).toEqual({ flags: { '--port': '1' }, commandFlags: { '--workspace': 'team-a' } });
  });

  it('may have words after the command', () => {
    expect(parse('backup --port 1 copy')).toMatchObject({ command: 'backup', operands: ['copy'] });
  });
});

describe('what follows a command', () => {
  it('is one word where the command needs one, else none', () => {
    expect(operandOf('backup', ['copy'], '<folder>')).toBe('copy');
    expect(operandOf('serve', [], undefined)).toBeUndefined();
  });

  it.each([
    ['serve', ['health'], undefined, 'one command at a time, not serve health'],
    ['backup', [], '<folder>', 'backup needs one <folder>'],
    ['backup', ['a', 'b'], '<folder>', 'backup needs one <folder>'],
  ])('`%s` %j is refused', (command, operands, name, message) => {
    expect(() => operandOf(command, operands, name)).toThrow(new UsageError(message));
  });
});
