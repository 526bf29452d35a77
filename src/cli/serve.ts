// `agent-bus serve`: runs a bus until a signal stops it.
import closeWithGrace from 'close-with-grace';
import { type ResolvedApiKey, resolveApiKey } from '../config/api-key.ts';
import type { BusConfig } from '../config/config.ts';
import { version } from '../http/version.ts';
import { CommunicationBus } from '../server.ts';
import { curlTrust, localUrl } from './address.ts';
import { openLog } from './log.ts';

/** setTimeout counts in 32 bits; a longer one would fire at once. */
const longestTimer = 2 ** 31 - 1;

/**
 * Resolves when the bus listens, with the lines that say where. From then on the process ends by itself: with 0 after a
 * signal, which SIGHUP is not where it renews the certificate; with 1 after a second signal, when stopping takes longer than `shutdownTimeout`, when the store fails, or
 * after an error that nobody caught.
 * @throws BusError PORT_IN_USE, CONFIG_INVALID, STORE_UNREADABLE
 */
export async function serve(config: BusConfig): Promise<string> {
  // What the store creates beside its main file is for its owner too.
  process.umask(0o077);
  const log = openLog(config.logLevel);
  const key = resolveApiKey(config);
  let storeFailure: unknown;
  const onFailure = (cause: unknown) => {
    storeFailure = cause;
    grace.close();
  };
  const bus = new CommunicationBus({ ...config, apiKey: key.apiKey }, { logger: log, onFailure });
  const grace = closeWithGrace(
    {
      delay: Math.min(config.shutdownTimeout, longestTimer),
      logger: { error: (message: unknown) => log.error(message) },
      skip: config.tlsCert === undefined ? ['beforeExit'] : ['beforeExit', 'SIGHUP'],
    },
    async ({ err, signal }) => {
      if (err) log.fatal({ err }, 'stopping after an error that nobody caught');
      else log.info({ signal }, 'stopping');
      await bus.stop();
      if (storeFailure) throw new Error('stopped since the store cannot write', { cause: storeFailure });
      log.info('stopped');
    },
  );
  if (config.tlsCert !== undefined) process.on('SIGHUP', () => bus.reloadTls());
  try {
    const { host, port } = await bus.start();
    return welcome(localUrl({ ...config, host }, port), curlTrust(config), key);
  } catch (error) {
    grace.uninstall();
    throw error;
  }
}

function welcome(url: string, trust: string, { apiKey, generated, path }: ResolvedApiKey): string {
  const made = path ? `The key was made by the bus and is kept in ${path}.\n` : 'The key was made for this run only.\n';
  return (
    `agent-bus ${version} listens on ${url}\n` +
    (generated ? made : '') +
    `  curl ${trust}-H "x-agent-api-key: ${generated ? apiKey : '$AGENT_BUS_API_KEY'}" ${url}/agents\n`
  );
}
