// Routes of the agent directory.
import type { FastifyPluginCallback } from 'fastify';
import type { Bus } from '../bus/bus.ts';
import type { AgentFilter, RegisterAgent } from '../protocol/types.gen.ts';
import { routeSchema } from './route-schema.ts';

type ById = { Params: { agent_id: string } };

export const agentRoutes: FastifyPluginCallback<{ bus: Bus }> = (app, { bus }, done) => {
  app.post<{ Body: RegisterAgent }>(
    '/agents/register',
    {
      schema: routeSchema({
        tag: 'Agents',
        summary: 'Register an agent, or update it',
        description: 'The first registration (201) answers with the token of the agent; a later one (200) updates it.',
        body: 'RegisterAgent',
        replies: { 200: 'AgentReply', 201: 'AgentReply' },
      }),
    },
    async (request, reply) => {
      const { agent, token, created } = await bus.agents.register(request.body);
      reply.code(created ? 201 : 200);
      return token === undefined ? { success: true, agent } : { success: true, agent, token };
    },
  );

  app.get<{ Querystring: AgentFilter }>(
    '/agents',
    {
      schema: routeSchema({
        tag: 'Agents',
        summary: 'List agents by framework, capability or presence',
        query: 'AgentFilter',
        replies: { 200: 'AgentList' },
      }),
    },
    (request, reply) => {
      reply.send({ success: true, ...bus.agents.list(request.query) });
    },
  );

  app.get<ById>(
    '/agents/:agent_id',
    {
      schema: routeSchema({
        tag: 'Agents',
        summary: 'One agent: presence, capabilities, mailbox',
        params: ['agent_id'],
        replies: { 200: 'AgentReply' },
      }),
    },
    (request, reply) => {
      reply.send({
        success: true,
        agent: bus.agents.get(request.params.agent_id),
      });
    },
  );

  app.delete<ById>(
    '/agents/:agent_id',
    {
      schema: routeSchema({
        tag: 'Agents',
        summary: 'Forget an agent and its token',
        params: ['agent_id'],
        replies: { 204: null },
      }),
    },
    async (request, reply) => {
      await bus.agents.remove(request.params.agent_id);
      return reply.code(204).send();
    },
  );
  done();
};
