// One log line for each request, at debug level.
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify';
import { type LogIds, logIdsOf } from './log-ids.ts';

interface LevelledLogger extends FastifyBaseLogger {
  isLevelEnabled?(level: string): boolean;
}

/** Whether requests are logged; settled when the bus starts, so that it costs nothing where the level is off. */
export function isLoggingRequests(logger: LevelledLogger | undefined): logger is LevelledLogger {
  return logger?.isLevelEnabled?.('debug') ?? false;
}

export function logRequests(app: FastifyInstance, logger: LevelledLogger | undefined): void {
  if (!isLoggingRequests(logger)) return;
  /** Ids that the bus has given. */
  const given = new WeakMap<FastifyRequest, LogIds>();
  app.addHook('preSerialization', (request, _reply, payload, done) => {
    given.set(request, logIdsOf({ body: payload }));
    done(null, payload);
  });
  app.addHook('onResponse', (request, reply, done) => {
    logger.debug(
      {
        reqId: request.id,
        method: request.method,
        // The pattern, and the ids beside it: what else stands in a URL may be anything.
        path: request.routeOptions.url,
        ...given.get(request),
        ...logIdsOf(request),
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
      },
      'request',
    );
    done();
  });
}
