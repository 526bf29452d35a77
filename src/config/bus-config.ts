// The configuration as the bus has it, once its sources are put together.
import type { Config, DurationSetting } from '../protocol/types.gen.ts';
import type { ConfigKey } from './settings.ts';

/** A setting as it is used: durations are milliseconds. */
export type Resolved<Value> = DurationSetting extends Value ? number : Value;

/** Keys without a default. */
type OptionalKey =
  | 'apiKey'
  | 'encryptionKey'
  | 'encryptionKeyFile'
  | 'allowedHosts'
  | 'allowedOrigins'
  | 'corsOrigins'
  | 'tlsCert'
  | 'tlsKey'
  | 'jwtSecret'
  | 'jwksUrl'
  | 'jwtIssuer'
  | 'jwtAudience'
  | 'templates';

/** Every key has a value, but for those without a default; durations are milliseconds. Frozen. */
export type BusConfig = Readonly<
  { [Key in Exclude<ConfigKey, OptionalKey>]: Resolved<Required<Config>[Key]> } & Pick<Config, OptionalKey>
>;
