import Fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { enforcePolicy } from '../../src/http/policy.ts';
import { expectProblem, type Http, register, startHttp } from './start-http.ts';

const me = 'codex://me';
const other = 'codex://other';
const descriptor = (agent_id: string) => ({ agent_descriptor: { agent_id, capabilities: [] } });

/** `mine` is orchestrated by me, `led-by-nobody` by nobody, `joined` has me as participant, `foreign` does not know me. */
async function start(): Promise<{ http: Http; key: string }> {
  const http = await startHttp();
  const [key = ''] = await register(http, me, other);
  const sessions = [
    { session_id: 'mine', orchestrator: me },
    { session_id: 'joined', orchestrator: other, participants: [{ agent_id: me }] },
    { session_id: 'foreign', orchestrator: other },
    { session_id: 'led-by-nobody' },
  ];
  for (const body of sessions) await http.call('POST', '/sessions', { body });
  http.bus.sessions.delegateTask('joined', { task_id: 't1', delegatee: me });
  await http.call('POST', '/sessions/joined/chats', { body: { chat_id: 'c1', agent_id: other } });
  return { http, key };
}

describe("an agent's own token", () => {
  it.each([
    ['POST', '/agents/register', descriptor(me)],
    ['GET', '/agents'],
    ['GET', `/agents/${other}`],
    ['GET', `/agents/${me}/messages`],
    ['HEAD', `/agents/${other}`],
    ['DELETE', `/agents/${me}`],
    ['GET', '/sessions'],
    ['GET', '/sessions/joined'],
    ['GET', '/sessions/joined/tasks'],
    ['GET', '/sessions/joined/tasks/t1'],
    ['PATCH', '/sessions/joined/tasks/t1', { status: 'in_progress' }],
    ['GET', '/sessions/joined/events'],
    ['GET', '/sessions/joined/summary'],
    ['POST', '/sessions', { orchestrator: me }],
    ['POST', '/sessions/mine/participants', { agent_id: other }],
    ['PATCH', '/sessions/mine/context', { a: 1 }],
    ['PATCH', '/sessions/joined/context', { a: 1 }],
    ['PUT', '/sessions/joined/context', { a: 1 }],
    ['GET', '/sessions/joined/messages'],
    ['POST', '/sessions/mine/chats', { agent_id: other }],
    ['GET', '/sessions/joined/chats'],
    ['GET', '/sessions/joined/chats/c1'],
    ['GET', '/sessions/joined/chats/active/history'],
    ['POST', '/sessions/mine/complete'],
    ['POST', '/sessions/mine/terminate', { reason: 'x' }],
    ['DELETE', '/sessions/mine'],
  ])('may %s %s', async (method, path, body?: unknown) => {
    const { http, key } = await start();
    const reply = await http.call(method, path, { key, ...(body !== undefined && { body }) });
    expect(reply.status, reply.text).toBeLessThan(300);
  });

  // What other agents may not, route by route: test/http/other-agent.test.ts.
  it.each([
    ['POST', '/agents/register', descriptor(other)],
    ['POST', '/sessions', {}],
    ['POST', '/sessions', { orchestrator: other }],
    ['POST', '/sessions/led-by-nobody/complete'],
    ['POST', '/sessions/led-by-nobody/participants', { agent_id: me }],
  ])('may not %s %s', async (method, path, body?: unknown) => {
    const { http, key } = await start();
    expectProblem(await http.call(method, path, { key, ...(body !== undefined && { body }) }), 403, 'FORBIDDEN');
  });

  it('is no longer enough for the context of a session that the agent has left', async () => {
    const { http, key } = await start();
    await http.call('DELETE', `/sessions/joined/participants/${me}`);
    expectProblem(await http.call('PATCH', '/sessions/joined/context', { key, body: {} }), 403, 'FORBIDDEN');
  });

  it('lists the sessions that its agent takes part in, and no others', async () => {
    const { http, key } = await start();
    const listed = async (query: string) => {
      const { body } = await http.call('GET', `/sessions${query}`, { key });
      return body.items.map(({ session_id: id }: { session_id: string }) => id);
    };
    expect(await listed('')).toEqual(['joined', 'mine']);
    expect(await listed(`?participant=${other}`)).toEqual(['joined']);
    expect(await listed('?limit=1&after=joined')).toEqual(['mine']);
    expect((await http.call('GET', '/sessions?limit=1', { key })).body.next).toBe('joined');
    await http.call('DELETE', `/sessions/joined/participants/${me}`);
    expect(await listed('')).toEqual(['mine']);
  });

  it('is answered with 404 for a session that does not exist', async () => {
    const { http, key } = await start();
    expectProblem(await http.call('POST', '/sessions/none/complete', { key }), 404, 'SESSION_NOT_FOUND');
  });

  it('is not enough for a route that the policy forgot', async () => {
    const app = Fastify();
    app.addHook('onRequest', (request, _reply, done) => {
      request.principal = { id: 'me', workspaceId: 'default', agentId: me };
      done();
    });
    enforcePolicy(app);
    app.get('/forgotten', () => 'secret');
    const reply = await app.inject('/forgotten');
    expect(reply.json()).toMatchObject({ code: 'FORBIDDEN' });
    await app.close();
  });
});
