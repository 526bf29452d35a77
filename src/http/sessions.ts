// Routes that create, find and end sessions.
import type { FastifyPluginCallback } from 'fastify';
import type { CompleteSession, CreateSession, SessionFilter, TerminateSession } from '../protocol/types.gen.ts';
import { routeSchema } from './route-schema.ts';
import { replyOf, sessionOf, settledReply } from './session-reply.ts';

type ById = { Params: { session_id: string } };

export const sessionRoutes: FastifyPluginCallback = (app, _options, done) => {
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
      const { session_id, name, user_id, workspace_id, orchestrator, participants, workflow } = request.body;
      const { shared_context, message_budget } = request.body;
      // Elsewhere may be one of the same id.
      const sessions = request.sessions.workspace(workspace_id);
      const sessionId = sessions.createSession({
        ...(session_id !== undefined && { sessionId: session_id }),
        ...(name !== undefined && { name }),
        ...(user_id !== undefined && { userId: user_id }),
        ...(orchestrator !== undefined && { orchestrator }),
        ...(participants !== undefined && { participants }),
        ...(workflow !== undefined && { workflow }),
        ...(shared_context !== undefined && { sharedContext: shared_context }),
        ...(message_budget !== undefined && { messageBudget: message_budget }),
      });
      const created = await settledReply(sessions, sessionId, reply);
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
        description: 'With the token of an agent: those that its agent takes part in.',
        query: 'SessionFilter',
        replies: { 200: 'SessionList' },
      }),
    },
    (request, reply) => {
      const { sessions, query, principal } = request;
      reply.send({ success: true, ...sessions.listSessions(query, principal.agentId) });
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
      reply.send(replyOf(sessionOf(request.sessions, request.params.session_id), reply));
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
      request.sessions.completeSession(session_id, request.body);
      return settledReply(request.sessions, session_id, reply);
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
      request.sessions.terminateSession(session_id, request.body);
      return settledReply(request.sessions, session_id, reply);
    },
  );

  app.delete<ById>(
    '/sessions/:session_id',
    {
      schema: routeSchema({
        tag: 'Sessions',
        summary: 'Forget a session and its events; an active one is broken off before',
        params: ['session_id'],
        replies: { 200: 'SessionReply' },
      }),
    },
    async (request, reply) => {
      const { session_id } = request.params;
      const { sessions } = request;
      const last = replyOf(sessionOf(sessions, session_id), reply);
      sessions.deleteSession(session_id);
      await sessions.settled(session_id);
      return last;
    },
  );
  done();
};
