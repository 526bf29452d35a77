// `/metrics` in the text format of Prometheus; figures are read when it is asked for, nothing is counted per request.
import type { FastifyPluginCallback } from 'fastify';
import type { Registry } from 'prom-client';
import type { Counters } from '../bus/counters.ts';
import { routeSchema } from './route-schema.ts';

export const metricRoutes: FastifyPluginCallback<{ counters: Counters }> = (app, { counters }, done) => {
  let opening: Promise<Registry> | undefined;
  // Its package is loaded by who asks for it: a bus starts sooner without.
  const open = async (): Promise<Registry> => (await import('./metrics-registry.ts')).createRegistry(counters);
  app.get(
    '/metrics',
    {
      schema: routeSchema({
        tag: 'System',
        summary: 'Figures for Prometheus',
        replies: { 200: null },
        textAs: 'text/plain',
      }),
    },
    async (_request, reply) => {
      opening ??= open().catch((error: unknown) => {
        // Where too many files were open, say, the next one who asks may get it.
        opening = undefined;
        throw error;
      });
      const registry = await opening;
      return reply.type(registry.contentType).send(await registry.metrics());
    },
  );
  done();
};
