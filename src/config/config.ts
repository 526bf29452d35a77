// The configuration a bus runs with: defaults < file < environment < flags, every value checked against the schema.
import type { Config } from '../protocol/types.gen.ts';
import type { BusConfig } from './bus-config.ts';
import { contradictions } from './contradictions.ts';
import { configError, resolveSettings } from './resolve.ts';
import { settings } from './settings.ts';
import { environmentSource, fileSource, flagsSource, optionsSource, type Source } from './sources.ts';

export type { BusConfig } from './bus-config.ts';

export interface ConfigSources {
  /** Path of a JSON file. */
  file?: string | undefined;
  /** Variables that begin with `AGENT_BUS_` are read, all others ignored. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Text by flag name: `{ '--port': '8080' }`. */
  flags?: Readonly<Record<string, string | undefined>>;
}

/** @throws BusError CONFIG_INVALID; its details hold one entry for each fault, naming key, place and what is expected. */
export function loadConfig({ file, env = {}, flags = {} }: ConfigSources): BusConfig {
  return resolve([...(file === undefined ? [] : [fileSource(file)]), environmentSource(env), flagsSource(flags)]);
}

/** The same checks for options given in a program. @throws BusError CONFIG_INVALID as `loadConfig`. */
export function resolveOptions(options: Config): BusConfig {
  return resolve([optionsSource(options)]);
}

function resolve(sources: readonly Source[]): BusConfig {
  const { values, placeOf, faults } = resolveSettings(settings, sources);
  const config = values as BusConfig;
  faults.push(...contradictions(config, placeOf));
  if (faults.length > 0) throw configError(faults);
  return Object.freeze(config);
}
