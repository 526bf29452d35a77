// Routes that create, find and end sessions.
import type { FastifyPluginCallback } from 'fastify';
import type { Bus } from '../bus/bus.ts';
import type { CompleteSession, CreateSession, SessionFilter, TerminateSession } from '../protocol/types.gen.ts';
import { routeSchema } from './route-schema.ts';
import { replyOf, sessionOf, settledReply } from './session-reply.ts';

type ById = { Params: { session_id: string } };

export const sessionRoutes: FastifyPluginCallback<{ bus: Bus }> = (app, { bus }, done) => {
  app.post<{ Body: CreateSession }>(
    '/sessions',
    {
      config: { optionalBody: true },
      schema: routeSchema({
        tag: 'Sessions',
        summary: 'Create a session',
        body: 'CreateSession',
        replies: { 201: 'SessionReply' },
      }),
    },
    async (request, reply) => {
      const { session_id, name, user_id, workspace_id, orchestrator, participants, workflow, shared_context } =
        request.body;
      const sessionId = bus.sessions.createSession({
        ...(session_id !== undefined && { sessionId: session_id }),
        ...(name !== undefined && { name }),
        ...(user_id !== undefined && { userId: user_id }),
        ...(workspace_id !== undefined && { workspaceId: workspace_id }),
        ...(orchestrator !== undefined && { orchestrator }),
        ...(participants !== undefined && { participants }),
        ...(workflow !== undefined && { workflow }),
        ...(shared_context !== undefined && { sharedContext: shared_context }),
      });
      const created = await settledReply(bus, sessionId, reply);
      reply.code(201).header('location', `/sessions/${encodeURIComponent(sessionId)}`);
      return { ...created, session_id: sessionId };
    },
  );

  app.get<{ Querystring: SessionFilter }>(
    '/sessions',
    {
      schema: routeSchema({
        tag: 'Sessions',
        summary: 'List sessions by state, workspace, user, participant or name',
        query: 'SessionFilter',
        replies: { 200: 'SessionList' },
      }),
    },
    (request, reply) => {
      reply.send({
        success: true,
        ...bus.sessions.listSessions(request.query),
      });
    },
  );

  app.get<ById>(
    '/sessions/:session_id',
    {
      schema: routeSchema({
        tag: 'Sessions',
        summary: 'One session; its ETag is the version of the shared context',
        params: ['session_id'],
        replies: { 200: 'SessionReply' },
      }),
    },
    (request, reply) => {
      reply.send(replyOf(sessionOf(bus, request.params.session_id), reply));
    },
  );

  app.post<ById & { Body: CompleteSession }>(
    '/sessions/:session_id/complete',
    {
      config: { optionalBody: true },
      schema: routeSchema({
        tag: 'Sessions',
        summary: 'End a session whose work is done',
        params: ['session_id'],
        body: 'CompleteSession',
        replies: { 200: 'SessionReply' },
      }),
    },
    (request, reply) => {
      const { session_id } = request.params;
      bus.sessions.completeSession(session_id, request.body);
      return settledReply(bus, session_id, reply);
    },
  );

  app.post<ById & { Body: TerminateSession }>(
    '/sessions/:session_id/terminate',
    {
      schema: routeSchema({
        tag: 'Sessions',
        summary: 'Break a session off',
        params: ['session_id'],
        body: 'TerminateSession',
        replies: { 200: 'SessionReply' },
      }),
    },
    (request, reply) => {
      const { session_id } = request.params;
      bus.sessions.terminateSession(session_id, request.body);
      return settledReply(bus, session_id, reply);
    },
  );
  done();
};
