// Routes of the workspace keys.
import type { FastifyPluginCallback, FastifyRequest } from 'fastify';
import type { Bus } from '../bus/bus.ts';
import type { Principal } from '../bus/identity.ts';
import { overlapOf } from '../bus/lifetimes.ts';
import type { CreateKey, KeyFilter, Rotate } from '../protocol/types.gen.ts';
import { routeSchema } from './route-schema.ts';
import { namedWorkspace } from './scope.ts';

type ById = { Params: { key_id: string } };

export const keyRoutes: FastifyPluginCallback<{ bus: Bus }> = (app, { bus }, done) => {
  const { keys } = bus;

  app.post<{ Body: CreateKey }>(
    '/keys',
    {
      config: { optionalBody: true },
      schema: routeSchema({
        tag: 'Keys',
        summary: 'Make a key of a workspace',
        description:
          'For a workspace, and for one user, one agent, some scopes and some time where they are named. It may no more ' +
          'than the key that asks. The `secret` is shown only here.',
        body: 'CreateKey',
        replies: { 201: 'KeyReply' },
      }),
    },
    async (request, reply) => {
      const { body } = request;
      const { workspaceId } = bus.workspaceFor(
        request.principal,
        body.workspace_id ?? namedWorkspace(request),
      ).sessions;
      const made = await keys.create(request.principal, { ...body, workspace_id: workspaceId });
      reply.code(201).header('cache-control', 'no-store');
      return { success: true, ...made };
    },
  );

  app.get<{ Querystring: KeyFilter }>(
    '/keys',
    {
      schema: routeSchema({
        tag: 'Keys',
        summary: 'List keys, without their secrets',
        query: 'KeyFilter',
        replies: { 200: 'KeyList' },
      }),
    },
    (request, reply) => {
      reply.send({ success: true, ...keys.list(askerIn(bus, request), request.query) });
    },
  );

  app.post<ById & { Body: Rotate }>(
    '/keys/:key_id/rotate',
    {
      config: { optionalBody: true },
      schema: routeSchema({
        tag: 'Keys',
        summary: 'Give a key another secret',
        description: 'The secret before goes on for `overlap`, 24h where left out; `0s` ends it at once.',
        params: ['key_id'],
        body: 'Rotate',
        replies: { 200: 'KeyReply' },
      }),
    },
    async (request, reply) => {
      const rotated = await keys.rotate(askerIn(bus, request), request.params.key_id, overlapOf(request.body));
      reply.header('cache-control', 'no-store');
      return { success: true, ...rotated };
    },
  );

  app.delete<ById>(
    '/keys/:key_id',
    {
      schema: routeSchema({
        tag: 'Keys',
        summary: 'Revoke a key, and end what is open with it',
        params: ['key_id'],
        replies: { 204: null },
      }),
    },
    async (request, reply) => {
      await keys.revoke(askerIn(bus, request), request.params.key_id);
      return reply.code(204).send();
    },
  );
  done();
};

/** Who asks, in the workspace that they name: an operator who names none asks in all. @throws BusError WORKSPACE_FORBIDDEN */
function askerIn(bus: Bus, request: FastifyRequest): Principal {
  const { principal } = request;
  const named = namedWorkspace(request);
  return named === undefined
    ? principal
    : { ...principal, workspaceId: bus.workspaceFor(principal, named).sessions.workspaceId };
}
