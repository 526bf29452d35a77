#!/usr/bin/env node
// The command `agent-bus`: picks what was asked for and turns failures into exit codes (0 done, 1 failed, 2 wrong command line).
import { loadConfig } from '../config/config.ts';
import { version } from '../http/version.ts';
import { BusError } from '../protocol/errors.ts';
import { operandOf, parseCommandLine, UsageError, unknown } from './arguments.ts';
import { checkConfig } from './check-config.ts';
import { health } from './health.ts';
import { commandNames, helpText, operandNames } from './help.ts';
import { keyRequestOf } from './key-request.ts';

/** @returns the exit code, or undefined while the bus goes on running */
async function run(argv: readonly string[]): Promise<number | undefined> {
  const { command, operands, wants, configFile, flags, commandFlags } = parseCommandLine(argv);
  const name = commandNames.find((candidate) => candidate === (command ?? 'serve'));
  if (!name) throw new UsageError(unknown('command', String(command), commandNames));
  if (wants === 'help') return print(helpText(command === undefined ? undefined : name));
  if (wants === 'version') return print(`${version}\n`);
  const operand = name === 'keys' ? '' : (operandOf(name, operands, operandNames[name]) ?? '');
  const config = loadConfig({ file: configFile, env: process.env, flags });
  switch (name) {
    case 'check-config':
      return print(checkConfig(config));
    case 'health':
      return (await health(config)) ? 0 : 1;
    case 'keys': {
      const { keys } = await import('./keys.ts');
      return await keys(config, keyRequestOf(operands, commandFlags));
    }
    case 'backup': {
      const { backup } = await import('./backup.ts');
      return print(await backup(config, operand));
    }
    case 'rekey': {
      const { rekey } = await import('./rekey.ts');
      return print(await rekey(config));
    }
    case 'serve': {
      // The other commands answer faster without the server and its store in memory.
      const { serve } = await import('./serve.ts');
      print(await serve(config));
      return undefined;
    }
  }
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

/** One line for each fault that a person can mend; the stack of one that only a programmer can. */
function explain(error: unknown): string[] {
  if (error instanceof UsageError) return [`${error.message} (agent-bus --help shows all)`];
  if (!(error instanceof BusError)) return [error instanceof Error ? String(error.stack) : String(error)];
  if (error.details.length === 0) return [`${error.code}: ${error.message}`];
  return error.details.map(({ path, message }) => `${error.code}${path && ` ${path.slice(1)}`}: ${message}`);
}

try {
  const exitCode = await run(process.argv.slice(2));
  if (exitCode !== undefined) process.exitCode = exitCode;
} catch (error) {
  for (const line of explain(error)) process.stderr.write(`agent-bus: ${line}\n`);
  process.exit(error instanceof UsageError ? 2 : 1);
}
