// The HTTP door: one Fastify instance with everything registered in its order.
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import type { AuditTrail } from '../bus/audit-trail.ts';
import type { Bus } from '../bus/bus.ts';
import type { TlsFiles } from '../config/tls-files.ts';
import { encodeAgentId } from './agent-url.ts';
import { agentRoutes } from './agents.ts';
import { type CallerOptions, createAllowedCallers } from './allowed-callers.ts';
import { auditRoutes, createDeedNotes, createRefusalNotes, recordDeeds, refusedRequest } from './audit.ts';
import { requireKey } from './auth.ts';
import { chatMessageRoutes } from './chat-messages.ts';
import { chatRoutes } from './chats.ts';
import { handleClientError } from './client-error.ts';
import { guardCallers } from './cross-origin.ts';
import { deadLetterRoutes } from './dead-letters.ts';
import { describeRoutes, docRoutes } from './docs.ts';
import { createErrorHandler, createFailureNotes, createFaultLog } from './errors.ts';
import { openFastLane } from './fast-lane.ts';
import { type ConnectionLimits, createHttpServer, headersTimeout, keepAliveTimeout } from './http-server.ts';
import { acceptJsonOnly } from './json-body.ts';
import { keyRoutes } from './keys.ts';
import { logIdsOf } from './log-ids.ts';
import { mailboxRoutes } from './mailbox.ts';
import { messageRoutes } from './messages.ts';
import { metricRoutes } from './metrics.ts';
import { collectMethods, createNotFoundHandler } from './not-found.ts';
import { protectPages } from './page-headers.ts';
import { enforcePolicy } from './policy.ts';
import { isLoggingRequests, logRequests } from './request-log.ts';
import { scopeRequests } from './scope.ts';
import { sessionChangeRoutes } from './session-changes.ts';
import { sessionEventRoutes } from './session-events.ts';
import { sessionReadRoutes } from './session-reads.ts';
import { sessionRoutes } from './sessions.ts';
import { endRefusedUpgrades, refuseUpgradesElsewhere, type SocketOptions, socketDoor } from './socket.ts';
import { systemRoutes } from './system.ts';
import { taskRoutes } from './tasks.ts';
import { trackHandshakes } from './tls.ts';
import { useContractSchemas } from './validation.ts';

export interface AppOptions {
  bus: Bus;
  audit: AuditTrail;
  config: SocketOptions['config'] & ConnectionLimits & CallerOptions;
  /** Plain HTTP where left out. */
  tls?: TlsFiles | undefined;
  /** Nothing is logged where left out. */
  logger?: FastifyBaseLogger;
  /** True from the moment on in which the bus takes no more mail. */
  isDraining?: () => boolean;
  /** Told of faults behind a socket that no reply can carry. */
  onError?: (error: unknown) => void;
}

/** The routes of one bus; neither listening nor ready. `close()` ends waits and streams first. */
export function buildApp({
  bus,
  audit,
  config,
  tls,
  logger,
  isDraining = () => false,
  onError = () => undefined,
}: AppOptions): FastifyInstance {
  const logFault = createFaultLog(logger);
  const onRefusal = createRefusalNotes(audit);
  const onDeed = createDeedNotes(audit);
  const noteFailure = createFailureNotes(logFault, (refusal, request) => onRefusal(refusal, refusedRequest(request)));
  const errorHandler = createErrorHandler(noteFailure);
  let requests = 0;
  const newRequestId = () => `req_${(++requests).toString(36)}`;
  const app = Fastify({
    logger: false,
    genReqId: newRequestId,
    bodyLimit: config.maxPayload,
    serverFactory: (listener) => createHttpServer(listener, config, tls),
    // Its 503 would be no problem document; what is under way is answered, with `connection: close`.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 512, caseSensitive: true },
    rewriteUrl: (request) => encodeAgentId(request.url ?? '/'),
    clientErrorHandler: handleClientError,
    frameworkErrors: errorHandler,
  });
  const callers = createAllowedCallers(config);
  // What the lane answers is not logged, and has no hooks.
  const lane = isLoggingRequests(logger)
    ? undefined
    : openFastLane(app.server, {
        bus,
        callers,
        maxPayload: config.maxPayload,
        headersTimeout,
        keepAliveTimeout,
        onFault: (fault, cause, sent) => {
          const request = { reqId: newRequestId(), method: 'POST', path: '/messages/send' };
          logFault(fault, cause, { ...request, ...logIdsOf({ body: sent }) });
        },
        onRefusal: (refusal, { workspace, principal, sent }, address) => {
          const { workspaceId } = workspace.sessions;
          const where = { principal, workspaceId, route: 'POST /messages/send', address };
          onRefusal(refusal, { ...where, ...logIdsOf({ body: sent }) });
        },
      });
  const handshakes = trackHandshakes(app.server);
  const closing = new AbortController();
  app.addHook('preClose', (done) => {
    closing.abort();
    lane?.close();
    closeConnectionsAsTheyIdle(app, handshakes);
    done();
  });
  const methodsOf = collectMethods(app);
  app.setErrorHandler(errorHandler);
  useContractSchemas(app);
  acceptJsonOnly(app);
  logRequests(app, logger);
  endRefusedUpgrades(app);
  guardCallers(app, callers);
  describeRoutes(app);

  app.register(systemRoutes, { isDraining });
  app.register((keyed, _options, done) => {
    requireKey(keyed, bus);
    keyed.setNotFoundHandler(createNotFoundHandler(methodsOf));
    refuseUpgradesElsewhere(keyed);
    scopeRequests(keyed, bus);
    enforcePolicy(keyed);
    recordDeeds(keyed, onDeed);
    keyed.register(socketDoor, { bus, config, isDraining, onError, onRefusal, onDeed });
    keyed.register(agentRoutes);
    keyed.register(messageRoutes, { rateLimit: bus.rateLimit, access: bus.access, onRefusal });
    keyed.register(keyRoutes, { bus });
    keyed.register(mailboxRoutes, { closing: closing.signal, access: bus.access });
    keyed.register(deadLetterRoutes);
    keyed.register(sessionRoutes);
    keyed.register(sessionChangeRoutes);
    keyed.register(sessionReadRoutes, { bus, closing: closing.signal });
    keyed.register(taskRoutes);
    keyed.register(sessionEventRoutes, { bus, closing: closing.signal });
    keyed.register(chatRoutes);
    keyed.register(chatMessageRoutes, { access: bus.access, noteFailure });
    keyed.register(auditRoutes, { bus, audit });
    keyed.register(metricRoutes, { counters: bus.counters });
    done();
  });
  app.register((keyed, _options, done) => {
    protectPages(keyed);
    requireKey(keyed, bus, { basic: true });
    keyed.register(docRoutes);
    done();
  });
  return app;
}

/** A connection whose last request was under way when the server began to close would be kept alive otherwise. */
function closeConnectionsAsTheyIdle({ server }: FastifyInstance, handshakes: { end(): void }): void {
  if (!server.listening) return;
  const sweep = setInterval(() => {
    server.closeIdleConnections();
    if (!server.listening) handshakes.end();
  }, 50);
  server.once('close', () => clearInterval(sweep));
}
