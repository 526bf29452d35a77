// The configuration of a session manager without a bus: keys of the bus's, and one of its own.
import type { Config, SessionManagerConfig } from '../protocol/types.gen.ts';
import type { Resolved } from './bus-config.ts';
import { configError, resolveSettings } from './resolve.ts';
import { type SharedKey, sessionSettings } from './settings.ts';
import { optionsSource } from './sources.ts';

export interface SessionConfigOptions extends Pick<Config, SharedKey>, SessionManagerConfig {}

/** Every key has a value; durations are milliseconds. */
export type SessionConfig = Readonly<{ [Key in keyof SessionConfigOptions]-?: Resolved<SessionConfigOptions[Key]> }>;

/** @throws BusError CONFIG_INVALID naming each key that is wrong */
export function resolveSessionOptions(options: SessionConfigOptions): SessionConfig {
  const { values, faults } = resolveSettings(sessionSettings, [optionsSource(options)]);
  if (faults.length > 0) throw configError(faults);
  return values as SessionConfig;
}
