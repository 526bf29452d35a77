// Routes that read what happened in a session: tasks, messages, summary.
import type { FastifyPluginCallback } from 'fastify';
import type { Bus } from '../bus/bus.ts';
import { summaryMarkdown } from '../core/session/summary-markdown.ts';
import type { PageQuery, TaskFilter } from '../protocol/types.gen.ts';
import { routeSchema } from './route-schema.ts';
import { sessionOf } from './session-reply.ts';

type ById = { Params: { session_id: string } };

export const sessionReadRoutes: FastifyPluginCallback<{ bus: Bus }> = (app, { bus }, done) => {
  const params = ['session_id'] as const;

  app.get<ById & { Querystring: TaskFilter }>(
    '/sessions/:session_id/tasks',
    {
      schema: routeSchema({
        tag: 'Sessions',
        summary: 'Tasks of a session by status, agent or step',
        params,
        query: 'TaskFilter',
        replies: { 200: 'TaskList' },
      }),
    },
    (request, reply) => {
      reply.send({
        success: true,
        ...bus.sessions.listTasks(request.params.session_id, request.query),
      });
    },
  );

  app.get<ById & { Querystring: PageQuery }>(
    '/sessions/:session_id/messages',
    {
      schema: routeSchema({
        tag: 'Sessions',
        summary: 'Messages of a session, oldest first',
        params,
        query: 'PageQuery',
        replies: { 200: 'MessageList' },
      }),
    },
    async (request) => {
      const { session_id } = request.params;
      const { after, limit = 100 } = request.query;
      sessionOf(bus, session_id);
      return {
        success: true,
        ...(await bus.messages.ofSession(session_id, { after, limit })),
      };
    },
  );

  app.get<ById>(
    '/sessions/:session_id/summary',
    {
      schema: routeSchema({
        tag: 'Sessions',
        summary: 'The executive summary, made of recorded facts',
        params,
        replies: { 200: 'SummaryReply' },
        textAs: 'text/markdown',
      }),
    },
    (request, reply) => {
      const summary = bus.sessions.getSummary(request.params.session_id);
      reply.header('vary', 'accept');
      if (request.headers.accept?.includes('text/markdown')) {
        reply.type('text/markdown; charset=utf-8').send(summaryMarkdown(summary));
      } else {
        reply.send({ success: true, summary });
      }
    },
  );
  done();
};
