// The text of --help; the settings in it come from the schema.
import { type Setting, settings } from '../config/settings.ts';

const commands = {
  serve: 'Runs the bus (the default command). Where it listens goes to stdout, logs go to stderr as JSON lines.',
  'check-config': 'Prints the configuration that `serve` would run with, or one line for each fault and exits with 1.',
  backup:
    'Copies the data directory to a new folder, which can be served like it, while the bus runs or not. <folder> must not exist yet.',
  rekey:
    'Encrypts a data directory that no bus has open anew, under the first of the configured encryption keys. A running bus does that itself.',
  health: 'Asks the bus at the configured host and port for its health; exits with 0 when it is alive, else with 1.',
  keys: 'Asks the bus at the configured host and port to create, list, rotate or revoke workspace keys.',
} as const;

export type CommandName = keyof typeof commands;

export const commandNames = Object.keys(commands) as CommandName[];

/** What a command needs after its name. */
export const operandNames: Partial<Record<CommandName, string>> = {
  backup: '<folder>',
  keys: 'create | list | rotate <key_id> | revoke <key_id>',
};

const flagLines: Partial<Record<CommandName, readonly string[]>> = {
  keys: [
    'A secret goes to stdout and is shown only then; all else goes to stderr. The key that asks is --api-key, or the one',
    'that the bus has made in the data directory.',
    '',
    '  --workspace <id>       create, list: the workspace; where left out, that of the key that asks, of all for list',
    '  --user <id>            create: for this user alone',
    '  --agent <agent_id>     create: for this agent alone',
    '  --scopes <list>        create: some of send,receive,sessions,admin; where left out, all but admin',
    '  --expires-in <time>    create: 90d, 12h, ...; where left out, it does not expire',
    '  --name <text>          create: a name for people',
    '  --overlap <time>       rotate: how long the old secret goes on; 24h where left out, 0s ends it at once',
  ],
};

export function helpText(command?: CommandName): string {
  const head = command
    ? [
        `Usage: agent-bus ${[command, '[flags]', operandNames[command]].filter(Boolean).join(' ')}`,
        '',
        commands[command],
        ...(flagLines[command] ? ['', ...flagLines[command]] : []),
      ]
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
