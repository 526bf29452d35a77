// Routes of one task of a session: how it stands, and what its agent says of it without an envelope.
import type { FastifyPluginCallback } from 'fastify';
import type { SessionsView } from '../bus/sessions-view.ts';
import { BusError } from '../protocol/errors.ts';
import type { TaskReply, UpdateTask } from '../protocol/types.gen.ts';
import { routeSchema } from './route-schema.ts';
import { sessionOf } from './session-reply.ts';

type ById = { Params: { session_id: string; task_id: string } };

export const taskRoutes: FastifyPluginCallback = (app, _options, done) => {
  const params = ['session_id', 'task_id'] as const;
  const replies = { 200: 'TaskReply' };
  const url = '/sessions/:session_id/tasks/:task_id';

  app.get<ById>(
    url,
    { schema: routeSchema({ tag: 'Sessions', summary: 'One task of a session', params, replies }) },
    (request, reply) => {
      const { session_id, task_id } = request.params;
      reply.send(replyWith(request.sessions, session_id, task_id));
    },
  );

  app.patch<ById & { Body: UpdateTask }>(
    url,
    {
      schema: routeSchema({
        tag: 'Sessions',
        summary: 'Claim a task, tell how far it is, end or cancel it',
        description:
          'A task that ends so takes its message along. With the token of an agent, or with `agent_id`, it is refused where the task is with another.',
        params,
        body: 'UpdateTask',
        replies,
      }),
    },
    async (request) => {
      const { session_id, task_id } = request.params;
      const { status, result, error, agent_id } = request.body;
      const agentId = speaker(request.principal.agentId, agent_id);
      request.sessions.updateTaskStatus(session_id, task_id, status, {
        result,
        error,
        ...(agentId !== undefined && { agentId }),
      });
      await request.sessions.settled(session_id);
      return replyWith(request.sessions, session_id, task_id);
    },
  );
  done();
};

/** @throws BusError FORBIDDEN for the token of an agent that names another */
function speaker(own: string | undefined, named: string | undefined): string | undefined {
  if (own === undefined || named === undefined || own === named) return own ?? named;
  throw new BusError('FORBIDDEN', `This key is for ${own}; leave the agent out or name that one.`);
}

/** @throws BusError SESSION_NOT_FOUND, TASK_NOT_FOUND */
function replyWith(sessions: SessionsView, sessionId: string, taskId: string): TaskReply {
  sessionOf(sessions, sessionId);
  const task = sessions.getTaskDelegation(taskId, sessionId);
  if (!task) throw new BusError('TASK_NOT_FOUND', `Session ${sessionId} has no task ${taskId}.`);
  return { success: true, task };
}
