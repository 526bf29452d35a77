// Values of settings, out of the places where they may stand, each checked.
import { parseDuration } from '../protocol/durations.ts';
import { BusError, type ErrorDetail } from '../protocol/errors.ts';
import { nearest } from './nearest.ts';
import { readText, type Setting } from './settings.ts';
import type { Source } from './sources.ts';

interface Given {
  value: unknown;
  /** Where it came from, for error messages. */
  place: string;
}

export interface ResolvedSettings<Key extends string> {
  /** What was given, else the default; durations are milliseconds. */
  values: object;
  /** Where a value came from. */
  placeOf: (key: Key) => string;
  /** One for each value that is wrong or of no setting. */
  faults: ErrorDetail[];
}

/** @param sources a later one wins */
export function resolveSettings<Key extends string>(
  settings: readonly Setting<Key>[],
  sources: readonly Source[],
): ResolvedSettings<Key> {
  const given = new Map<Key, Given>(
    settings.flatMap(({ key, kind, default: value }) =>
      value === undefined
        ? []
        : [[key, { value: kind === 'json' ? readText(kind, String(value)) : value, place: `default of ${key}` }]],
    ),
  );
  const faults: ErrorDetail[] = [];
  for (const source of sources) {
    for (const [name, raw] of Object.entries(source.values)) {
      if (raw === undefined) continue;
      const setting = settings.find((candidate) => source.nameOf(candidate) === name);
      if (!setting) {
        faults.push(unknownName(settings, source, name));
        continue;
      }
      const value = source.isText ? readText(setting.kind, String(raw)) : raw;
      const fault = faultOf(setting, value, source.describe(name));
      if (fault) faults.push({ path: `/${setting.key}`, message: fault });
      else given.set(setting.key, { value, place: source.describe(name) });
    }
  }
  const values = settings.flatMap(({ key, kind }) => {
    const value = given.get(key)?.value;
    if (value === undefined) return [];
    return [[key, kind === 'duration' && typeof value === 'string' ? parseDuration(value) : value]];
  });
  return { values: Object.fromEntries(values), placeOf: (key) => given.get(key)?.place ?? key, faults };
}

/** The schema bounds a duration in milliseconds only; written with a unit it has the same bound. */
const longestDuration = parseDuration('365d');

function faultOf(setting: Setting<string>, value: unknown, place: string): string | undefined {
  const accepted =
    setting.accepts(value) &&
    !(setting.kind === 'duration' && typeof value === 'string' && parseDuration(value) > longestDuration);
  if (accepted) return undefined;
  if (setting.kind === 'json') {
    const isObject = typeof value === 'object' && value !== null;
    return isObject ? `${place}: ${setting.explain(value)}` : `${place} must be ${setting.expected}`;
  }
  const shown = setting.isSecret ? 'what was given' : JSON.stringify(value);
  return `${place} must be ${setting.expected}, not ${shown}`;
}

function unknownName(settings: readonly Setting<string>[], source: Source, name: string): ErrorDetail {
  const path = `/${name}`;
  const meant = nearest(name, settings.map(source.nameOf));
  let hint = meant ? `did you mean ${meant}?` : 'no setting has this name';
  if (/^AGENT_BUS_(SERVICE|PORT)_/.test(name)) {
    hint = 'Kubernetes sets it for a Service named agent-bus: give the pod `enableServiceLinks: false`';
  }
  return { path, message: `${source.describe(name)} is unknown; ${hint}` };
}

/** @param faults at least one */
export function configError(faults: readonly ErrorDetail[]): BusError {
  const rest = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
  return new BusError('CONFIG_INVALID', `The configuration is not valid: ${faults[0]?.message}${rest}.`, {
    details: faults,
  });
}
