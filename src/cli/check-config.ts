// `agent-bus check-config`: the configuration that serve would run with.
import { assertKeyGuardsHost } from '../config/api-key.ts';
import type { BusConfig } from '../config/config.ts';

/** Its JSON, the key masked. @throws BusError CONFIG_INVALID where serve would refuse to listen. */
export function checkConfig(config: BusConfig): string {
  assertKeyGuardsHost(config);
  const shown = config.apiKey === undefined ? config : { ...config, apiKey: '***' };
  return `${JSON.stringify(shown, null, 2)}\n`;
}
