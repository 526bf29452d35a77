// The configuration a bus runs with: defaults < file < environment < flags, every value checked against the schema.
import { parseDuration } from '../protocol/durations.ts';
import { BusError, type ErrorDetail } from '../protocol/errors.ts';
import type { Config, DurationSetting } from '../protocol/types.gen.ts';
import { nearest } from './nearest.ts';
import { type ConfigKey, readText, type Setting, settings } from './settings.ts';
import { environmentSource, fileSource, flagsSource, optionsSource, type Source } from './sources.ts';

type Resolved<Value> = DurationSetting extends Value ? number : Value;

/** Every key has a value (but `apiKey`, which has no default); durations are milliseconds. Frozen. */
export type BusConfig = Readonly<
  { [Key in Exclude<ConfigKey, 'apiKey'>]: Resolved<Required<Config>[Key]> } & { apiKey?: string }
>;

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

interface Given {
  value: unknown;
  /** Where it came from, for error messages. */
  place: string;
}

function resolve(sources: readonly Source[]): BusConfig {
  const given = new Map<ConfigKey, Given>(
    settings.flatMap((setting) =>
      setting.default === undefined
        ? []
        : [[setting.key, { value: setting.default, place: `default of ${setting.key}` }]],
    ),
  );
  const faults: ErrorDetail[] = [];
  for (const source of sources) {
    for (const [name, raw] of Object.entries(source.values)) {
      if (raw === undefined) continue;
      const setting = settings.find((candidate) => source.nameOf(candidate) === name);
      if (!setting) {
        faults.push(unknownName(source, name));
        continue;
      }
      const value = source.isText ? readText(setting.kind, String(raw)) : raw;
      const fault = faultOf(setting, value, source.describe(name));
      if (fault) faults.push({ path: `/${setting.key}`, message: fault });
      else given.set(setting.key, { value, place: source.describe(name) });
    }
  }
  const config = Object.fromEntries(
    settings.flatMap(({ key, kind }) => {
      const value = given.get(key)?.value;
      if (value === undefined) return [];
      return [[key, kind === 'duration' && typeof value === 'string' ? parseDuration(value) : value]];
    }),
  ) as BusConfig;
  faults.push(...contradictions(config, (key) => given.get(key)?.place ?? key));
  if (faults.length > 0) throw configError(faults);
  return Object.freeze(config);
}

/** The schema bounds a duration in milliseconds only; written with a unit it has the same bound. */
const longestDuration = parseDuration('365d');

function faultOf(setting: Setting, value: unknown, place: string): string | undefined {
  const accepted =
    setting.accepts(value) &&
    !(setting.kind === 'duration' && typeof value === 'string' && parseDuration(value) > longestDuration);
  if (accepted) return undefined;
  const shown = setting.key === 'apiKey' ? 'what was given' : JSON.stringify(value);
  return `${place} must be ${setting.expected}, not ${shown}`;
}

function unknownName(source: Source, name: string): ErrorDetail {
  const path = `/${name}`;
  if (name === 'AGENT_BUS_ENCRYPTION_KEY') {
    const message = `${source.describe(name)} is of no use: encryption at rest is not available in this version; unset it`;
    return { path, message };
  }
  const meant = nearest(name, settings.map(source.nameOf));
  let hint = meant ? `did you mean ${meant}?` : 'no setting has this name';
  if (/^AGENT_BUS_(SERVICE|PORT)_/.test(name)) {
    hint = 'Kubernetes sets it for a Service named agent-bus: give the pod `enableServiceLinks: false`';
  }
  return { path, message: `${source.describe(name)} is unknown; ${hint}` };
}

/** Values that are well formed each and cannot hold together. */
function contradictions(config: BusConfig, placeOf: (key: ConfigKey) => string): ErrorDetail[] {
  const faults: ErrorDetail[] = [];
  if (config.encryptionEnabled) {
    faults.push({
      path: '/encryptionEnabled',
      message: `${placeOf('encryptionEnabled')} must be false: encryption at rest is not available in this version`,
    });
  }
  if (config.retention < config.dedupeWindow) {
    faults.push({
      path: '/retention',
      message:
        `retention (${config.retention} ms, ${placeOf('retention')}) must not be shorter than ` +
        `dedupeWindow (${config.dedupeWindow} ms, ${placeOf('dedupeWindow')})`,
    });
  }
  return faults;
}

function configError(faults: readonly ErrorDetail[]): BusError {
  const rest = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
  return new BusError('CONFIG_INVALID', `The configuration is not valid: ${faults[0]?.message}${rest}.`, {
    details: faults,
  });
}
