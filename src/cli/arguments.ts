// Takes a command line apart: which command, which flags, and whether help or the version was asked for.
import { parseArgs } from 'node:util';
import { nearest } from '../config/nearest.ts';
import { settings } from '../config/settings.ts';

/** The command line itself is wrong; the message is one sentence for the person who typed it. */
export class UsageError extends Error {}

export interface CommandLine {
  /** As typed; undefined where there is none. */
  command: string | undefined;
  /** The words after the command. */
  operands: string[];
  /** Asked for instead of running the command. */
  wants?: 'help' | 'version';
  configFile: string | undefined;
  /** Text by flag name, dashes included; a switch without a value is `true`. */
  flags: Record<string, string>;
  /** The same of what belongs to the command alone. */
  commandFlags: Record<string, string>;
}

/** Flags that are no settings, by the command that they belong to. */
const flagsOfCommand: Readonly<Record<string, readonly string[]>> = {
  keys: ['--name', '--workspace', '--user', '--agent', '--scopes', '--expires-in', '--overlap'],
};
const everyCommandFlag = Object.values(flagsOfCommand).flat();

const switches = new Set(['--help', '--version']);
for (const { flagName, kind } of settings) if (kind === 'boolean') switches.add(flagName);
const settingNames = ['--help', '--version', '--config', ...settings.map(({ flagName }) => flagName)];
const flagNames = [...settingNames, ...everyCommandFlag];

const options = {
  ...Object.fromEntries(
    flagNames.map((name) => [name.slice(2), { type: switches.has(name) ? 'boolean' : 'string' } as const]),
  ),
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const;

/** @throws UsageError for a flag that does not exist or a flag without its value. */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true });
  const words: string[] = [];
  const flags: Record<string, string> = {};
  let openSwitch: string | undefined;
  for (const token of tokens) {
    const wasOpen = openSwitch;
    openSwitch = undefined;
    if (token.kind === 'positional') {
      // parseArgs never gives a switch the next word; `--persistence-enabled false` is what people type.
      if (wasOpen && /^(true|false|1|0)$/.test(token.value)) flags[wasOpen] = token.value;
      else if (wasOpen && /^(yes|no|on|off|enabled?|disabled?)$/i.test(token.value)) {
        throw new UsageError(`${wasOpen} takes true or false after a space or =, or stands alone; not ${token.value}`);
      } else words.push(token.value);
    } else if (token.kind === 'option') {
      const name = `--${token.name}`;
      if (!flagNames.includes(name)) throw new UsageError(unknown('flag', token.rawName, flagNames));
      if (switches.has(name)) {
        flags[name] = token.value ?? 'true';
        if (token.value === undefined) openSwitch = name;
      } else if (token.value === undefined || (!token.inlineValue && token.value.startsWith('--'))) {
        throw new UsageError(`${name} needs a value`);
      } else {
        flags[name] = token.value;
      }
    }
  }
  const [command, ...operands] = words;
  const { '--help': help, '--version': version, '--config': configFile, ...valued } = flags;
  const wants = help !== undefined ? 'help' : version !== undefined ? 'version' : undefined;
  const [commandFlags, settingFlags] = splitFlags(valued);
  const own = flagsOfCommand[command ?? ''] ?? [];
  for (const name of Object.keys(commandFlags)) {
    if (!own.includes(name)) throw new UsageError(unknown('flag', name, [...settingNames, ...own]));
  }
  return { command, operands, ...(wants && { wants }), configFile, flags: settingFlags, commandFlags };
}

function splitFlags(flags: Record<string, string>): [ofCommand: Record<string, string>, rest: Record<string, string>] {
  const entries = Object.entries(flags);
  return [
    Object.fromEntries(entries.filter(([name]) => everyCommandFlag.includes(name))),
    Object.fromEntries(entries.filter(([name]) => !everyCommandFlag.includes(name))),
  ];
}

export function unknown(what: 'flag' | 'command', name: string, names: readonly string[]): string {
  const meant = nearest(name, names);
  return `unknown ${what} ${name}${meant ? `; did you mean ${meant}?` : ''}`;
}

/** The only operand of a command, or none. @throws UsageError that says how the command is called. */
export function operandOf(command: string, operands: readonly string[], name: string | undefined): string | undefined {
  if (name === undefined && operands.length > 0) {
    throw new UsageError(`one command at a time, not ${[command, ...operands].join(' ')}`);
  }
  if (name !== undefined && operands.length !== 1) throw new UsageError(`${command} needs one ${name}`);
  return operands[0];
}
