// Liveness and readiness: the two routes that need no key.
import { performance } from 'node:perf_hooks';
import type { FastifyPluginCallback } from 'fastify';
import { BusError } from '../protocol/errors.ts';
import { refuseKeysInQuery } from './auth.ts';
import { routeSchema } from './route-schema.ts';
import { version } from './version.ts';

export const systemRoutes: FastifyPluginCallback<{
  isDraining: () => boolean;
}> = (app, { isDraining }, done) => {
  refuseKeysInQuery(app);
  const startedAt = performance.now();

  app.get(
    '/health',
    {
      schema: routeSchema({
        tag: 'System',
        summary: 'Is the process alive',
        replies: { 200: 'Health' },
        open: true,
      }),
    },
    (_request, reply) => {
      const uptime = Math.round(performance.now() - startedAt);
      reply.send({ success: true, status: 'ok', version, uptime_ms: uptime });
    },
  );

  app.get(
    '/ready',
    {
      schema: routeSchema({
        tag: 'System',
        summary: 'Does the bus take mail',
        replies: { 200: 'Ready' },
        open: true,
      }),
    },
    (_request, reply) => {
      if (isDraining()) throw new BusError('SHUTTING_DOWN', 'The bus is stopping; send to another one, or later.');
      reply.send({ success: true, status: 'ready' });
    },
  );
  done();
};
