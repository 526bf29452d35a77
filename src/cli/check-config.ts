// `agent-bus check-config`: the configuration that serve would run with.
import { assertKeyGuardsHost } from '../config/api-key.ts';
import type { BusConfig } from '../config/config.ts';
import { resolveEncryptionKeys } from '../config/encryption-keys.ts';
import { settings } from '../config/settings.ts';
import { readTlsFiles } from '../config/tls-files.ts';
import { formatSetting } from '../protocol/durations.ts';
import { AgentTemplates } from '../templates/agent-templates.ts';

/** Its JSON, durations as people write them, keys masked. @throws BusError CONFIG_INVALID where serve would refuse to start. */
export function checkConfig(config: BusConfig): string {
  assertKeyGuardsHost(config);
  readTlsFiles(config);
  resolveEncryptionKeys(config);
  if (config.templates !== undefined) new AgentTemplates().load(config.templates);
  const shown: Record<string, unknown> = { ...config };
  for (const { key, kind, isSecret } of settings) {
    if (kind === 'duration') shown[key] = formatSetting(Number(shown[key]));
    if (isSecret && shown[key] !== undefined) shown[key] = '***';
  }
  if (config.jwksUrl !== undefined) shown.jwksUrl = withoutSecrets(config.jwksUrl);
  return `${JSON.stringify(shown, null, 2)}\n`;
}

/** A URL may carry a password, or a token in its query. */
function withoutSecrets(text: string): string {
  const url = new URL(text);
  if (url.username) url.username = '***';
  if (url.password) url.password = '***';
  if (url.search) url.search = '***';
  return url.href;
}
