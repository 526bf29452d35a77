// Routes that change a running session: participants, workflow, shared context.
import type { FastifyPluginCallback } from 'fastify';
import type { JsonObject, ParticipantInput, UpdateWorkflow } from '../protocol/types.gen.ts';
import { routeSchema } from './route-schema.ts';
import { expectedVersionOf, settledReply } from './session-reply.ts';

type ById = { Params: { session_id: string } };

export const sessionChangeRoutes: FastifyPluginCallback = (app, _options, done) => {
  const params = ['session_id'] as const;
  const replies = { 200: 'SessionReply' };

  app.post<ById & { Body: ParticipantInput }>(
    '/sessions/:session_id/participants',
    {
      schema: routeSchema({
        tag: 'Sessions',
        summary: 'Add a participant',
        params,
        body: 'ParticipantInput',
        replies: { 201: 'SessionReply' },
      }),
    },
    (request, reply) => {
      const { session_id } = request.params;
      request.sessions.addParticipant(session_id, request.body);
      return settledReply(request.sessions, session_id, reply.code(201));
    },
  );

  app.delete<{ Params: { session_id: string; agent_id: string } }>(
    '/sessions/:session_id/participants/:agent_id',
    {
      schema: routeSchema({
        tag: 'Sessions',
        summary: 'Remove a participant; its open tasks are cancelled, its mail for the session is withdrawn',
        params: ['session_id', 'agent_id'],
        replies,
      }),
    },
    (request, reply) => {
      const { session_id, agent_id } = request.params;
      request.sessions.removeParticipant(session_id, agent_id);
      return settledReply(request.sessions, session_id, reply);
    },
  );

  app.patch<ById & { Body: UpdateWorkflow }>(
    '/sessions/:session_id/workflow',
    {
      schema: routeSchema({
        tag: 'Sessions',
        summary: 'Set the current, completed or pending steps',
        params,
        body: 'UpdateWorkflow',
        replies,
      }),
    },
    (request, reply) => {
      const { session_id } = request.params;
      request.sessions.updateWorkflow(session_id, request.body);
      return settledReply(request.sessions, session_id, reply);
    },
  );

  app.post<ById>(
    '/sessions/:session_id/workflow/advance',
    {
      schema: routeSchema({
        tag: 'Sessions',
        summary: 'Complete the current step and go on',
        params,
        replies,
      }),
    },
    (request, reply) => {
      const { session_id } = request.params;
      request.sessions.advanceWorkflow(session_id);
      return settledReply(request.sessions, session_id, reply);
    },
  );

  const ifMatch = 'With `If-Match: "3"` only where the context has that version, else 412.';

  app.patch<ById & { Body: JsonObject }>(
    '/sessions/:session_id/context',
    {
      schema: routeSchema({
        tag: 'Sessions',
        summary: 'Merge into the shared context (RFC 7396)',
        description: ifMatch,
        params,
        body: 'JsonObject',
        replies,
      }),
    },
    (request, reply) => {
      const { session_id } = request.params;
      request.sessions.mergeSharedContext(session_id, request.body, expectedVersionOf(request.headers['if-match']));
      return settledReply(request.sessions, session_id, reply);
    },
  );

  app.put<ById & { Body: JsonObject }>(
    '/sessions/:session_id/context',
    {
      schema: routeSchema({
        tag: 'Sessions',
        summary: 'Replace the shared context',
        description: ifMatch,
        params,
        body: 'JsonObject',
        replies,
      }),
    },
    (request, reply) => {
      const { session_id } = request.params;
      request.sessions.updateSharedContext(session_id, request.body, expectedVersionOf(request.headers['if-match']));
      return settledReply(request.sessions, session_id, reply);
    },
  );
  done();
};
