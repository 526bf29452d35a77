// One log line for each request, at debug level.
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';

interface LevelledLogger extends FastifyBaseLogger {
  isLevelEnabled?(level: string): boolean;
}

/** Costs nothing where the level is off when the bus starts. */
export function logRequests(app: FastifyInstance, logger: LevelledLogger | undefined): void {
  if (!logger?.isLevelEnabled?.('debug')) return;
  app.addHook('onResponse', (request, reply, done) => {
    logger.debug(
      {
        reqId: request.id,
        method: request.method,
        // The route and its ids; a query string is not for logs.
        path: request.url.split('?', 1)[0],
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
      },
      'request',
    );
    done();
  });
}
