// Routes of the agent directory.
import type { FastifyPluginCallback } from 'fastify';
import { overlapOf } from '../bus/lifetimes.ts';
import type { AgentFilter, RegisterAgent, Rotate } from '../protocol/types.gen.ts';
import { routeSchema } from './route-schema.ts';

type ById = { Params: { agent_id: string } };

export const agentRoutes: FastifyPluginCallback = (app, _options, done) => {
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
      const { agent, token, created } = await request.workspace.agents.register(request.body, request.principal);
      reply.code(created ? 201 : 200);
      if (token === undefined) return { success: true, agent };
      reply.header('cache-control', 'no-store');
      return { success: true, agent, token };
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
      reply.send({ success: true, ...request.workspace.agents.list(request.query, request.principal.userId) });
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
        agent: request.workspace.agents.get(request.params.agent_id, request.principal.userId),
      });
    },
  );

  app.post<ById & { Body: Rotate }>(
    '/agents/:agent_id/token',
    {
      config: { optionalBody: true },
      schema: routeSchema({
        tag: 'Agents',
        summary: 'Give an agent another token',
        description: 'The token before goes on for `overlap`, 24h where left out; `0s` ends it at once.',
        params: ['agent_id'],
        body: 'Rotate',
        replies: { 200: 'TokenReply' },
      }),
    },
    async ({ params: { agent_id }, body, principal, workspace }, reply) => {
      const token = await workspace.agents.rotateToken(agent_id, principal, overlapOf(body));
      reply.header('cache-control', 'no-store');
      return { success: true, agent_id, token };
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
      await request.workspace.removeAgent(request.params.agent_id);
      return reply.code(204).send();
    },
  );
  done();
};
