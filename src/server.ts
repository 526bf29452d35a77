// The whole bus in one object: picks the adapters, starts and stops everything in its order.
import { EventEmitter } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { type Logger, pino } from 'pino';
import { Bus } from './bus/bus.ts';
import type { SessionManager } from './bus/session-manager.ts';
import { type SessionManagerEvents, sessionManagerEvents } from './bus/session-milestones.ts';
import { resolveApiKey } from './config/api-key.ts';
import { type BusConfig, resolveOptions } from './config/config.ts';
import { buildApp } from './http/app.ts';
import { systemClock } from './ports/clock.ts';
import type { Store } from './ports/store.ts';
import { BusError } from './protocol/errors.ts';
import type { Config } from './protocol/types.gen.ts';
import { openLmdbStore } from './store/lmdb.ts';
import { createMemoryStore } from './store/memory.ts';

export interface CommunicationBusHooks {
  /** Where the bus logs; standard error at `logLevel` where left out. */
  logger?: Logger;
  /** Called once when the store cannot write any more. The bus refuses everything from then on; end the process. */
  onFailure?: (cause: unknown) => void;
}

/** Where a started bus listens. */
export interface Listening {
  host: string;
  /** The real one, also where 0 was asked for. */
  port: number;
  url: string;
}

interface Running {
  listening: Listening;
  bus: Bus;
  app: FastifyInstance;
  store: Store;
}

/** A bus of its own: several may live in one process. Emits what its session manager emits. */
export class CommunicationBus extends EventEmitter<SessionManagerEvents> {
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
    this.#hooks = hooks;
    this.#log = hooks.logger ?? pino({ level: this.#config.logLevel }, pino.destination({ dest: 2, sync: true }));
  }

  /** The sessions of the running bus. @throws BusError NOT_RUNNING before `start` has resolved and after `stop`. */
  get sessionManager(): SessionManager {
    if (!this.#running) throw new BusError('NOT_RUNNING', 'The bus is not running; await start() first.');
    return this.#running.bus.sessions;
  }

  /**
   * Opens the store and listens. Twice is once.
   * @throws BusError PORT_IN_USE, STORE_UNREADABLE, CONFIG_INVALID; nothing is left open then.
   */
  start(): Promise<Listening> {
    this.#starting ??= Promise.resolve(this.#stopping)
      .then(() => this.#start())
      .catch((error: unknown) => {
        this.#starting = undefined;
        throw error;
      });
    return this.#starting;
  }

  /** Drains, closes sockets with a code, flushes and closes the store; no timer is left. Twice is once. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop().finally(() => {
      this.#stopping = undefined;
    });
    return this.#stopping;
  }

  async #start(): Promise<Listening> {
    const config = this.#config;
    const { apiKey } = resolveApiKey(config);
    const store = this.#openStore();
    try {
      const bus = await this.#openBus(store, apiKey);
      const app = buildApp({
        bus,
        config,
        logger: this.#log,
        isDraining: () => this.#draining,
        onError: (error) => this.#log.error({ err: error }, 'unexpected error behind a connection'),
      });
      this.#draining = false;
      const listening = await this.#listen(app, bus);
      this.#running = { listening, bus, app, store };
      this.#log.info({ url: listening.url, persistence: config.persistenceEnabled }, 'listening');
      return listening;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  #openStore(): Store {
    const { persistenceEnabled, dataDir, retention, maxMailboxMessages, maxMailboxBytes, diskReserve } = this.#config;
    const limits = { retentionMs: retention, maxMailboxMessages, maxMailboxBytes };
    const store = persistenceEnabled
      ? openLmdbStore({ folder: dataDir, reserveBytes: diskReserve, limits })
      : createMemoryStore({ limits });
    store.onFailure((cause) => {
      this.#log.fatal({ err: cause }, 'the store cannot write: nothing is accepted any more');
      this.#hooks.onFailure?.(cause);
    });
    return store;
  }

  async #openBus(store: Store, apiKey: string): Promise<Bus> {
    const config = this.#config;
    const bus = await Bus.open({
      store,
      clock: systemClock,
      apiKey,
      messageTimeoutMs: config.messageTimeout,
      ackTimeoutMs: config.ackTimeout,
      offlineGraceMs: config.offlineGrace,
      sessionTimeoutMs: config.sessionTimeout,
      retentionMs: config.retention,
      autoAdvance: config.autoAdvance,
      rateLimit: config.rateLimit,
      onError: (error) => this.#log.error({ err: error }, 'unexpected error in the bus'),
    });
    for (const name of sessionManagerEvents) {
      bus.sessions.on(name, (...payload: unknown[]) => Reflect.apply(this.emit, this, [name, ...payload]));
    }
    return bus;
  }

  async #listen(app: FastifyInstance, bus: Bus): Promise<Listening> {
    const { host, port } = this.#config;
    try {
      await app.listen({ host, port });
    } catch (cause) {
      await app.close();
      await bus.close();
      if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
      throw new BusError(
        'PORT_IN_USE',
        `Port ${port} of ${host} is in use; stop what listens there, or choose another port.`,
        {
          cause,
        },
      );
    }
    const address = app.server.address() as AddressInfo;
    const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    return { host: address.address, port: address.port, url: `http://${name}:${address.port}` };
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
      await running.app.close();
    } finally {
      clearTimeout(cut);
      await running.bus.close();
      await running.store.close();
    }
    this.#running = undefined;
  }
}
