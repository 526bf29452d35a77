// The text of --help; the settings in it come from the schema.
import { type Setting, settings } from '../config/settings.ts';

const commands = {
  serve: 'Runs the bus (the default command). Where it listens goes to stdout, logs go to stderr as JSON lines.',
  'check-config': 'Prints the configuration that `serve` would run with, or one line for each fault and exits with 1.',
  health: 'Asks the bus at the configured host and port for its health; exits with 0 when it is alive, else with 1.',
} as const;

export type CommandName = keyof typeof commands;

export const commandNames = Object.keys(commands) as CommandName[];

export function helpText(command?: CommandName): string {
  const head = command
    ? [`Usage: agent-bus ${command} [flags]`, '', commands[command]]
    : ['Usage: agent-bus [command] [flags]', '', 'Commands:', ...commandNames.flatMap(commandLines)];
  return [
    ...head,
    '',
    'Settings, each with its flag, its environment variable and its default.',
    'A flag wins over the environment, the environment over the file of --config, the file over the default.',
    'Durations are milliseconds or a whole number and a unit: 250ms, 30s, 5m, 24h, 7d.',
    '',
    '  --config <path>',
    '      A JSON file with settings under their names in camelCase: { "port": 8080, "dataDir": "./data" }.',
    ...settings.flatMap(settingLines),
    '',
    '  -h, --help      This text; after a command, its own.',
    '  -v, --version   The version.',
    '',
    'Exit codes: 0 done, 1 failed, 2 wrong command line.',
    '',
  ].join('\n');
}

function commandLines(name: CommandName): string[] {
  return [`  ${name}`, `      ${commands[name]}`];
}

function settingLines(setting: Setting): string[] {
  const value = setting.kind === 'boolean' ? '[true|false]' : `<${setting.kind}>`;
  const byDefault = setting.default === undefined ? 'no default' : `default ${setting.default}`;
  const choices = setting.kind === 'choice' ? ` (${setting.expected})` : '';
  return [
    `  ${setting.flagName} ${value}   ${setting.environmentName}   ${byDefault}`,
    `      ${setting.description}${choices}`,
  ];
}
