// Puts the parts of a server together: the store, the audit trail over it, the bus, and its door.
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Bus } from '../bus/bus.ts';
import type { BusConfig } from '../config/config.ts';
import type { TlsFiles } from '../config/tls-files.ts';
import { buildApp } from '../http/app.ts';
import type { ChatModels } from '../ports/chat-models.ts';
import { openAudit, recordTimeouts } from './audit.ts';
import { openBus } from './bus.ts';
import type { Opened } from './opened.ts';
import { openStore } from './store.ts';

export interface PartsOptions {
  config: BusConfig;
  apiKey: string;
  /** Plain HTTP where left out. */
  tls: TlsFiles | undefined;
  log: Logger;
  chatModels: ChatModels;
  /** True from the moment on in which the bus takes no more mail. */
  isDraining: () => boolean;
  /** Called once when the store cannot write any more. */
  onStoreFailure: (cause: unknown) => void;
}

/** The door does not listen yet. What is open is in `opened`, also where a later part cannot be. */
export async function openParts(
  opened: Opened,
  { config, apiKey, tls, log, chatModels, isDraining, onStoreFailure }: PartsOptions,
): Promise<{ bus: Bus; app: FastifyInstance }> {
  const store = opened.add(openStore(config, log, onStoreFailure));
  const audit = opened.add(openAudit(config, store, log));
  const bus = opened.add(await openBus({ config, store, apiKey, chatModels, log }));
  recordTimeouts(bus.sessions, audit);
  const onError = (error: unknown) => log.error({ err: error }, 'unexpected error behind a connection');
  const app = opened.add(buildApp({ bus, audit, config, tls, logger: log, isDraining, onError }));
  return { bus, app };
}
