// Values that are well formed each and cannot hold together.
import { parseDuration } from '../protocol/durations.ts';
import type { ErrorDetail } from '../protocol/errors.ts';
import type { DurationSetting } from '../protocol/types.gen.ts';
import type { BusConfig } from './bus-config.ts';
import { jwtContradictions } from './jwt-settings.ts';
import type { ConfigKey } from './settings.ts';

/** Behind this fetch gives up by itself. */
const longestSilence = parseDuration('5m');

/** One entry for each, naming the place of a value where `placeOf` says it came from. */
export function contradictions(config: BusConfig, placeOf: (key: ConfigKey) => string): ErrorDetail[] {
  const faults: ErrorDetail[] = [];
  const refuse = (key: ConfigKey, message: string): void => void faults.push({ path: `/${key}`, message });
  const { encryptionEnabled, encryptionKey, encryptionKeyFile } = config;
  if (encryptionEnabled && encryptionKey === undefined && encryptionKeyFile === undefined) {
    const message =
      'needs encryptionKey (AGENT_BUS_ENCRYPTION_KEY) or encryptionKeyFile: `openssl rand -hex 32` makes a key';
    refuse('encryptionEnabled', `${placeOf('encryptionEnabled')} ${message}`);
  }
  if (encryptionKey !== undefined && encryptionKeyFile !== undefined) {
    refuse('encryptionKeyFile', `${placeOf('encryptionKeyFile')} must not be set beside encryptionKey: one of them`);
  }
  for (const key of ['encryptionKey', 'encryptionKeyFile'] as const) {
    if (encryptionEnabled || config[key] === undefined) continue;
    refuse(key, `${placeOf(key)} is of no use without encryptionEnabled: set that as well, or unset this`);
  }
  if (encryptionEnabled && config.persistenceEnabled && config.apiKey === undefined) {
    refuse(
      'apiKey',
      'apiKey must be set (AGENT_BUS_API_KEY) with encryptionEnabled: one that the bus made would lie on disk',
    );
  }
  if ((config.tlsCert === undefined) !== (config.tlsKey === undefined)) {
    const [given, missing] =
      config.tlsCert === undefined ? (['tlsKey', 'tlsCert'] as const) : (['tlsCert', 'tlsKey'] as const);
    faults.push({ path: `/${missing}`, message: `${placeOf(given)} is of no use alone: set ${missing} as well` });
  }
  faults.push(...jwtContradictions(config));
  if (config.retention < config.dedupeWindow) {
    faults.push({
      path: '/retention',
      message:
        `retention (${config.retention} ms, ${placeOf('retention')}) must not be shorter than ` +
        `dedupeWindow (${config.dedupeWindow} ms, ${placeOf('dedupeWindow')})`,
    });
  }
  for (const [name, { timeout }] of Object.entries(config.providers)) {
    if (timeout === undefined || milliseconds(timeout) <= longestSilence) continue;
    faults.push({
      path: `/providers/${name}/timeout`,
      message: `${placeOf('providers')}: the timeout of ${name} must be at most 5m`,
    });
  }
  return faults;
}

function milliseconds(duration: DurationSetting): number {
  return typeof duration === 'string' ? parseDuration(duration) : duration;
}
