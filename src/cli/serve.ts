// `agent-bus serve`: runs a bus until a signal stops it.
import closeWithGrace from 'close-with-grace';
import { pino } from 'pino';
import { type ResolvedApiKey, resolveApiKey } from '../config/api-key.ts';
import type { BusConfig } from '../config/config.ts';
import { version } from '../http/version.ts';
import { CommunicationBus } from '../server.ts';
import { localUrl } from './address.ts';

/** setTimeout counts in 32 bits; a longer one would fire at once. */
const longestTimer = 2 ** 31 - 1;

/**
 * Resolves when the bus listens, with the lines that say where. From then on the process ends by itself: with 0 after a signal, with 1 after a second
 * signal, when stopping takes longer than `shutdownTimeout`, or after an error that nobody caught.
 * @throws BusError PORT_IN_USE, CONFIG_INVALID, STORE_UNREADABLE
 */
export async function serve(config: BusConfig): Promise<string> {
  const log = pino({ level: config.logLevel }, pino.destination({ dest: 2, sync: true }));
  const key = resolveApiKey(config);
  const bus = new CommunicationBus(
    { ...config, apiKey: key.apiKey },
    // Ends the process the way any error does that nobody caught.
    {
      logger: log,
      onFailure: (cause) =>
        setImmediate(() => {
          throw cause;
        }),
    },
  );
  const starting = bus.start();
  const grace = closeWithGrace(
    {
      delay: Math.min(config.shutdownTimeout, longestTimer),
      logger: { error: (message: unknown) => log.error(message) },
      skip: ['beforeExit'],
    },
    async ({ err, signal }) => {
      if (err) log.fatal({ err }, 'stopping after an error that nobody caught');
      else log.info({ signal }, 'stopping');
      await starting.catch(() => undefined);
      await bus.stop();
      log.info('stopped');
    },
  );
  try {
    const { host, port } = await starting;
    return welcome(localUrl(host, port), key);
  } catch (error) {
    grace.uninstall();
    throw error;
  }
}

function welcome(url: string, { apiKey, generated, path }: ResolvedApiKey): string {
  const made = path ? `The key was made by the bus and is kept in ${path}.\n` : 'The key was made for this run only.\n';
  return (
    `agent-bus ${version} listens on ${url}\n` +
    (generated ? made : '') +
    `  curl -H "x-agent-api-key: ${generated ? apiKey : '$AGENT_BUS_API_KEY'}" ${url}/agents\n`
  );
}
