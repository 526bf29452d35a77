// `agent-bus rekey`: brings a data directory under the first of the configured keys.
import type { BusConfig } from '../config/config.ts';
import { resolveEncryptionKeys } from '../config/encryption-keys.ts';
import { BusError } from '../protocol/errors.ts';
import { rekey as rekeyStore } from '../server.ts';

const progressMs = 1_000;

/**
 * @returns what to do with the other keys.
 * @throws BusError CONFIG_INVALID, STORE_IN_USE, STORE_UNREADABLE, ENCRYPTION_KEY_WRONG, STORE_NOT_ENCRYPTED
 */
export async function rekey(config: BusConfig): Promise<string> {
  const keys = resolveEncryptionKeys(config);
  if (!keys)
    throw new BusError('CONFIG_INVALID', 'rekey needs encryptionEnabled, and the new key in front of the old one.');
  const { dataDir } = config;
  let progress = '';
  // Without it nothing would keep the process alive: the store's own timers do not.
  const reports = setInterval(() => process.stderr.write(progress), progressMs);
  const isChanged = await rekeyStore({
    folder: dataDir,
    keys,
    onProgress: ({ rows, files, allFiles }) => {
      progress = `agent-bus: ${rows} rows and ${files} of ${allFiles} journal files done\n`;
    },
  }).finally(() => clearInterval(reports));
  const before = isChanged ? 'Everything' : 'Nothing had to be done: everything';
  return `${before} in ${dataDir} is under the first key. The others are not needed any more.\n`;
}
