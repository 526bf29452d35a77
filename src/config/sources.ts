// Where values come from and how each place spells a key.
import { readFileSync } from 'node:fs';
import { BusError } from '../protocol/errors.ts';
import { environmentPrefix, type Setting } from './settings.ts';

export interface Source {
  nameOf(setting: Setting<string>): string;
  /** `environment variable AGENT_BUS_PORT`, `flag --port`, ... */
  describe(name: string): string;
  /** Whether the values are text that is read by the kind of the setting. */
  isText: boolean;
  values: Readonly<Record<string, unknown>>;
}

export function optionsSource(values: object): Source {
  return { nameOf: ({ key }) => key, describe: (name) => `option ${name}`, isText: false, values: { ...values } };
}

/** Only names that begin with `AGENT_BUS_` are looked at. */
export function environmentSource(environment: Readonly<Record<string, string | undefined>>): Source {
  return {
    nameOf: ({ environmentName }) => environmentName,
    describe: (name) => `environment variable ${name}`,
    isText: true,
    values: Object.fromEntries(Object.entries(environment).filter(([name]) => name.startsWith(environmentPrefix))),
  };
}

/** @param values by flag name, dashes included */
export function flagsSource(values: Readonly<Record<string, string | undefined>>): Source {
  return { nameOf: ({ flagName }) => flagName, describe: (name) => `flag ${name}`, isText: true, values };
}

/** @throws BusError CONFIG_INVALID when the file is not there or is not a JSON object. */
export function fileSource(path: string): Source {
  return {
    nameOf: ({ key }) => key,
    describe: (name) => `key ${name} in ${path}`,
    isText: false,
    values: readObject(path),
  };
}

function readObject(path: string): Record<string, unknown> {
  const unusable = (why: string, cause?: unknown) =>
    new BusError('CONFIG_INVALID', `The configuration file ${path} ${why}.`, {
      details: [{ path: '', message: `configuration file ${path} ${why}` }],
      cause,
    });
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw unusable(`cannot be read (${(error as NodeJS.ErrnoException).code})`, error);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // Its own words quote the file, in which keys may stand.
    const [, place] = /at position (\d+)/.exec((error as Error).message) ?? [];
    throw unusable(`is not JSON${place === undefined ? '' : `: see its character ${Number(place) + 1}`}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unusable('must hold one JSON object');
  return value as Record<string, unknown>;
}
