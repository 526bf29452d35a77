// The HTTP door: one Fastify instance with everything registered in its order.
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import type { Bus } from '../bus/bus.ts';
import { encodeAgentId } from './agent-url.ts';
import { agentRoutes } from './agents.ts';
import { requireKey } from './auth.ts';
import { handleClientError } from './client-error.ts';
import { deadLetterRoutes } from './dead-letters.ts';
import { describeRoutes, docRoutes } from './docs.ts';
import { createErrorHandler } from './errors.ts';
import { acceptJsonOnly } from './json-body.ts';
import { mailboxRoutes } from './mailbox.ts';
import { messageRoutes } from './messages.ts';
import { createRegistry, metricRoutes } from './metrics.ts';
import { collectMethods, createNotFoundHandler } from './not-found.ts';
import { enforcePolicy } from './policy.ts';
import { logRequests } from './request-log.ts';
import { sessionChangeRoutes } from './session-changes.ts';
import { sessionEventRoutes } from './session-events.ts';
import { sessionReadRoutes } from './session-reads.ts';
import { sessionRoutes } from './sessions.ts';
import { endRefusedUpgrades, type SocketOptions, socketDoor } from './socket.ts';
import { systemRoutes } from './system.ts';
import { useContractSchemas } from './validation.ts';

export interface AppOptions {
  bus: Bus;
  config: SocketOptions['config'];
  /** Nothing is logged where left out. */
  logger?: FastifyBaseLogger;
  metricsRegistry?: Registry;
  /** True from the moment on in which the bus takes no more mail. */
  isDraining?: () => boolean;
  /** Told of faults behind a socket that no reply can carry. */
  onError?: (error: unknown) => void;
}

/** The routes of one bus; neither listening nor ready. `close()` ends waits and streams first. */
export function buildApp({
  bus,
  config,
  logger,
  metricsRegistry,
  isDraining = () => false,
  onError = () => undefined,
}: AppOptions): FastifyInstance {
  const errorHandler = createErrorHandler(logger);
  let requests = 0;
  const app = Fastify({
    logger: false,
    genReqId: () => `req_${(++requests).toString(36)}`,
    bodyLimit: config.maxPayload,
    // Bounds the receiving of a request, not its answer: a long poll may wait longer.
    requestTimeout: 15_000,
    connectionTimeout: 0,
    keepAliveTimeout: 72_000,
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 5_000 },
    // Its 503 would be no problem document; what is under way is answered, with `connection: close`.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 512, caseSensitive: true },
    rewriteUrl: (request) => encodeAgentId(request.url ?? '/'),
    clientErrorHandler: handleClientError,
    frameworkErrors: errorHandler,
  });
  const closing = new AbortController();
  app.addHook('preClose', (done) => {
    closing.abort();
    closeConnectionsAsTheyIdle(app);
    done();
  });
  const methodsOf = collectMethods(app);
  app.setErrorHandler(errorHandler);
  useContractSchemas(app);
  acceptJsonOnly(app);
  logRequests(app, logger);
  endRefusedUpgrades(app);
  describeRoutes(app);

  app.register(systemRoutes, { isDraining });
  app.register((keyed, _options, done) => {
    requireKey(keyed, bus);
    keyed.setNotFoundHandler(createNotFoundHandler(methodsOf));
    enforcePolicy(keyed, bus);
    keyed.register(socketDoor, { bus, config, isDraining, onError });
    keyed.register(agentRoutes, { bus });
    keyed.register(messageRoutes, { bus });
    keyed.register(mailboxRoutes, { bus, closing: closing.signal });
    keyed.register(deadLetterRoutes, { bus });
    keyed.register(sessionRoutes, { bus });
    keyed.register(sessionChangeRoutes, { bus });
    keyed.register(sessionReadRoutes, { bus });
    keyed.register(sessionEventRoutes, { bus, closing: closing.signal });
    keyed.register(metricRoutes, {
      registry: metricsRegistry ?? createRegistry(bus.counters),
    });
    done();
  });
  app.register((keyed, _options, done) => {
    requireKey(keyed, bus, { basic: true });
    keyed.register(docRoutes);
    done();
  });
  return app;
}

/** A connection whose last request was under way when the server began to close would be kept alive otherwise. */
function closeConnectionsAsTheyIdle({ server }: FastifyInstance): void {
  if (!server.listening) return;
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  server.once('close', () => clearInterval(sweep));
}
