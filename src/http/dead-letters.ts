// Routes of the dead letters.
import type { FastifyPluginCallback } from 'fastify';
import type { PageQuery } from '../protocol/types.gen.ts';
import { routeSchema } from './route-schema.ts';

type ById = { Params: { message_id: string } };

export const deadLetterRoutes: FastifyPluginCallback = (app, _options, done) => {
  app.get<{ Querystring: PageQuery }>(
    '/dead-letters',
    {
      schema: routeSchema({
        tag: 'Dead letters',
        summary: 'What could not be delivered, and why',
        query: 'PageQuery',
        replies: { 200: 'MessageList' },
      }),
    },
    async (request) => {
      const { after, limit = 100 } = request.query;
      return {
        success: true,
        ...(await request.workspace.messages.deadLetters({ after, limit })),
      };
    },
  );

  app.post<ById>(
    '/dead-letters/:message_id/redrive',
    {
      schema: routeSchema({
        tag: 'Dead letters',
        summary: 'Send a dead letter again',
        params: ['message_id'],
        replies: { 200: 'SettleReply' },
      }),
    },
    async (request) => {
      const { message_id } = request.params;
      return {
        success: true,
        message_id,
        status: await request.workspace.messages.redrive(message_id),
      };
    },
  );

  app.delete<ById>(
    '/dead-letters/:message_id',
    {
      schema: routeSchema({
        tag: 'Dead letters',
        summary: 'Forget a dead letter',
        params: ['message_id'],
        replies: { 204: null },
      }),
    },
    async (request, reply) => {
      await request.workspace.messages.discard(request.params.message_id);
      return reply.code(204).send();
    },
  );
  done();
};
