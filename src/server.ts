// The whole bus in one object: starts and stops everything in its order.
import { EventEmitter } from 'node:events';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Bus } from './bus/bus.ts';
import { callListeners } from './bus/session-emitter.ts';
import { type SessionManagerEvents, sessionManagerEvents } from './bus/session-milestones.ts';
import type { SessionsView } from './bus/sessions-view.ts';
import { resolveApiKey } from './config/api-key.ts';
import { type BusConfig, resolveOptions } from './config/config.ts';
import { guardLogger, openLogger } from './config/log.ts';
import { readTlsFiles } from './config/tls-files.ts';
import { renewTls } from './http/tls.ts';
import type { ModelProvider } from './ports/model-provider.ts';
import type { ProviderRegistry } from './ports/provider-registry.ts';
import { BusError } from './protocol/errors.ts';
import type { Config } from './protocol/types.gen.ts';
import { createProviderRegistry } from './providers/registry.ts';
import { type Listening, listen } from './server/listen.ts';
import { Opened } from './server/opened.ts';
import { openParts } from './server/parts.ts';
import { AgentTemplates } from './templates/agent-templates.ts';
import { createChatModels } from './templates/chat-models.ts';
import { withOwnProviders } from './templates/own-providers.ts';

export type { Listening } from './server/listen.ts';
/** Here since the data directory is of the store that the server picks. */
export { backUp } from './store/backup.ts';
export { rekey } from './store/rekey.ts';

export interface CommunicationBusHooks {
  /** Where the bus logs; standard error at `logLevel` where left out. */
  logger?: Logger | undefined;
  /** Called once when the store cannot write any more. The bus refuses everything from then on; end the process. */
  onFailure?: ((cause: unknown) => void) | undefined;
  /** Beside the configured ones: whoever has a chat finds them by name, also after a restart. */
  aiProviders?: readonly ModelProvider[] | undefined;
}

interface Running {
  bus: Bus;
  app: FastifyInstance;
  opened: Opened;
}

/** A bus of its own: several may live in one process. Emits what its session manager emits. */
export class CommunicationBus extends EventEmitter<SessionManagerEvents> {
  /** The providers of AI models: those of the program, and the configured ones. */
  readonly providers: ProviderRegistry;
  /** What chats can be made from. */
  readonly templates = new AgentTemplates();
  readonly #config: BusConfig;
  readonly #log: Logger;
  readonly #hooks: CommunicationBusHooks;
  #running: Running | undefined;
  #starting: Promise<Listening> | undefined;
  #stopping: Promise<void> | undefined;
  #draining = false;

  /** @throws BusError CONFIG_INVALID naming each key that is wrong. */
  constructor(options: Config = {}, hooks: CommunicationBusHooks = {}) {
    super();
    this.#config = resolveOptions(options);
    const configured = createProviderRegistry({ providers: this.#config.providers, env: process.env });
    this.providers = withOwnProviders(hooks.aiProviders ?? [], configured);
    if (this.#config.templates !== undefined) this.templates.load(this.#config.templates);
    this.#hooks = hooks;
    this.#log = hooks.logger ? guardLogger(hooks.logger) : openLogger(this.#config.logLevel);
  }

  /** The sessions of all workspaces of the running bus; `workspace(id)` is those of one. @throws BusError NOT_RUNNING before `start` has resolved and after `stop`. */
  get sessionManager(): SessionsView {
    if (!this.#running) throw new BusError('NOT_RUNNING', 'The bus is not running; await start() first.');
    return this.#running.bus.sessions;
  }

  /**
   * Opens the store and listens. Twice is once.
   * @throws BusError PORT_IN_USE, STORE_UNREADABLE, ENCRYPTION_KEY_WRONG, STORE_NOT_ENCRYPTED, CONFIG_INVALID; nothing is left
   * open then.
   */
  start(): Promise<Listening> {
    if (this.#starting !== undefined) return this.#starting;
    const starting = Promise.resolve(this.#stopping)
      .then(() => this.#start())
      .catch((error: unknown) => {
        // Another start may wait already for the stop that came behind this one.
        if (this.#starting === starting) this.#starting = undefined;
        throw error;
      });
    this.#starting = starting;
    return starting;
  }

  /**
   * Drains, closes sockets with a code, flushes and closes the store; no timer is left. Twice is once.
   * @throws the first error of a part that could not be closed as it should, after all were closed.
   */
  stop(): Promise<void> {
    // A start that waits for the end of a stop is stopped as well.
    if (this.#stopping !== undefined && this.#starting === undefined) return this.#stopping;
    const stopping = this.#stop().finally(() => {
      if (this.#stopping === stopping) this.#stopping = undefined;
    });
    this.#stopping = stopping;
    return stopping;
  }

  /**
   * Reads `tlsCert` and `tlsKey` again, for the connections that are opened from now on.
   * @returns whether they are in use now; where they cannot be, that is logged and the former ones stay.
   */
  reloadTls(): boolean {
    try {
      const tls = readTlsFiles(this.#config);
      if (!tls || !this.#running) return false;
      renewTls(this.#running.app.server, tls);
      this.#log.info({ tlsCert: this.#config.tlsCert }, 'the certificate is read again');
      return true;
    } catch (error) {
      this.#log.error({ err: error }, 'the certificate cannot be read again: the former one stays');
      return false;
    }
  }

  async #start(): Promise<Listening> {
    const config = this.#config;
    const log = this.#log;
    const { apiKey, generated } = resolveApiKey(config);
    const tls = readTlsFiles(config);
    const opened = new Opened();
    try {
      const { bus, app } = await openParts(opened, {
        config,
        apiKey,
        tls,
        log,
        chatModels: createChatModels({ templates: this.templates, providers: this.providers }),
        isDraining: () => this.#draining,
        onStoreFailure: (cause) => this.#hooks.onFailure?.(cause),
      });
      this.#passOn(bus.sessions);
      this.#draining = false;
      const listening = { ...(await listen(app, config)), ...(generated && { apiKey }) };
      this.#running = { bus, app, opened };
      log.info({ url: listening.url, persistence: config.persistenceEnabled }, 'listening');
      return listening;
    } catch (error) {
      await opened.close().catch((err: unknown) => log.error({ err }, 'not everything could be closed again'));
      throw error;
    }
  }

  #passOn(sessions: SessionsView): void {
    for (const name of sessionManagerEvents) {
      sessions.on(name, (payload: unknown) => callListeners(this, name, payload));
    }
  }

  async #stop(): Promise<void> {
    const starting = this.#starting;
    this.#starting = undefined;
    await starting?.catch(() => undefined);
    const running = this.#running;
    if (!running) return;
    this.#draining = true;
    running.bus.drain();
    // A client that never ends its request must not keep the mail of the others from being flushed in time.
    const cut = setTimeout(() => running.app.server.closeAllConnections(), (this.#config.shutdownTimeout * 3) / 4);
    try {
      await running.opened.close();
    } finally {
      clearTimeout(cut);
      this.#running = undefined;
    }
  }
}
