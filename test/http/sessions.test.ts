import { describe, expect, it } from 'vitest';
import { type Call, expectProblem, startHttp } from './start-http.ts';

const orchestrator = 'claude-code://orchestrator';
const tutorial = {
  session_id: 's1',
  orchestrator,
  participants: [{ agent_id: 'opencode://backend', role: 'implementer' }],
  workflow: [
    { name: 'design', required_agents: [orchestrator] },
    { name: 'implementation', required_agents: ['opencode://backend'] },
  ],
  shared_context: { project: 'feature/notifications' },
};

async function start() {
  const http = await startHttp();
  await http.call('POST', '/sessions', { body: tutorial });
  return http;
}

describe('a session over HTTP', () => {
  it('is created with every default', async () => {
    const { call } = await startHttp();
    for (const more of [{ body: {} }, {}, { headers: { 'content-type': 'application/json' } }] as Call[]) {
      const reply = await call('POST', '/sessions', more);
      expect(reply.status).toBe(201);
      expect(reply.body.session_id).toMatch(/^sess_/);
      expect(reply.body.session.session_id).toBe(reply.body.session_id);
      expect(reply.headers.location).toBe(`/sessions/${reply.body.session_id}`);
    }
  });

  it('is created in both forms', async () => {
    const { call } = await startHttp();
    const first = await call('POST', '/sessions', { body: tutorial });
    expect(first.body.session).toMatchObject({
      state: 'active',
      shared_context: { project: 'feature/notifications' },
      workflow: { current_step: 'design', pending_steps: ['implementation'] },
    });
    const body = { name: 'Development Workspace', user_id: 'developer-123', workspace_id: 'workspace-dev' };
    expect((await call('POST', '/sessions', { body })).body.session).toMatchObject(body);
  });

  it('with a taken id is refused', async () => {
    const { call } = await start();
    expectProblem(await call('POST', '/sessions', { body: tutorial }), 409, 'SESSION_EXISTS');
  });

  it('is shown with the version of its context as ETag', async () => {
    const { call } = await start();
    expect((await call('GET', '/sessions/s1')).headers.etag).toBe('"1"');
  });

  it.each([
    ['state=active', ['alpha', 'gamma']],
    ['state=completed', ['beta']],
    ['workspace_id=w1', ['alpha', 'beta']],
    ['user_id=user-b', ['beta', 'gamma']],
    ['name=Project%20Gamma', ['gamma']],
    ['workspace_id=w1&user_id=user-b', ['beta']],
    ['user_id=nobody', []],
  ])('is listed by %s', async (query, expected) => {
    const { call } = await startHttp();
    for (const body of [
      { session_id: 'alpha', name: 'Project Alpha', workspace_id: 'w1', user_id: 'user-a' },
      { session_id: 'beta', name: 'Project Beta', workspace_id: 'w1', user_id: 'user-b' },
      { session_id: 'gamma', name: 'Project Gamma', workspace_id: 'w2', user_id: 'user-b' },
    ]) {
      await call('POST', '/sessions', { body });
    }
    await call('POST', '/sessions/beta/complete');
    const { items } = (await call('GET', `/sessions?${query}`)).body;
    expect(items.map(({ session_id }: { session_id: string }) => session_id)).toEqual(expected);
  });

  it('takes participants and lets them go', async () => {
    const { call } = await start();
    const body = { agent_id: 'opencode://security', role: 'reviewer' };
    const added = await call('POST', '/sessions/s1/participants', { body });
    expect(added.status).toBe(201);
    expect(added.body.session.participants).toHaveLength(3);
    expectProblem(await call('POST', '/sessions/s1/participants', { body }), 409, 'PARTICIPANT_EXISTS');
    const removed = await call('DELETE', '/sessions/s1/participants/opencode://security');
    expect(removed.body.session.participants[2]).toMatchObject({ agent_id: body.agent_id, status: 'left' });
    expectProblem(await call('DELETE', '/sessions/s1/participants/a://b'), 404, 'PARTICIPANT_NOT_FOUND');
  });

  it('moves through its workflow', async () => {
    const { call } = await start();
    const body = { current_step: 'implementation', completed_steps: ['design'], pending_steps: [] };
    const updated = await call('PATCH', '/sessions/s1/workflow', { body });
    expect(updated.body.session.workflow).toMatchObject(body);
    expectProblem(await call('PATCH', '/sessions/s1/workflow', { body: { current_step: 'x' } }), 400, 'UNKNOWN_STEP');
    expectProblem(await call('PATCH', '/sessions/s1/workflow', { body: {} }), 400, 'VALIDATION_FAILED');
    const advanced = await call('POST', '/sessions/s1/workflow/advance');
    expect(advanced.body.session.workflow.current_step).toBeNull();
  });

  it('merges and replaces its context', async () => {
    const { call } = await start();
    const merged = await call('PATCH', '/sessions/s1/context', { body: { branch: 'b', project: null } });
    expect(merged.body.session.shared_context).toEqual({ branch: 'b' });
    expect(merged.headers.etag).toBe('"2"');
    const replaced = await call('PUT', '/sessions/s1/context', { body: { only: true } });
    expect(replaced.body.session).toMatchObject({ shared_context: { only: true }, context_version: 3 });
  });

  it.each(['PATCH', 'PUT'])('%s of the context holds to If-Match', async (method) => {
    const { call } = await start();
    const change = (version: string) =>
      call(method, '/sessions/s1/context', { body: { a: 1 }, headers: { 'if-match': version } });
    expect((await change('"1"')).headers.etag).toBe('"2"');
    expectProblem(await change('"1"'), 412, 'VERSION_MISMATCH');
    expect((await change('2')).headers.etag).toBe('"3"');
    expect((await change('*')).headers.etag).toBe('"4"');
    for (const bad of ['"x"', 'W/"4"', '"4", "5"', '-1', '0', '']) {
      expectProblem(await change(bad), 400, 'VALIDATION_FAILED');
    }
  });

  it.each(['[]', '"text"', '7', 'null'])('refuses %s as context', async (body) => {
    const { call } = await start();
    expectProblem(await call('PUT', '/sessions/s1/context', { body }), 400, 'VALIDATION_FAILED');
  });

  it('ends with what it is told, and changes no more', async () => {
    const { call } = await start();
    const body = { summary: 'All done', artifacts: ['s3://artifacts/build.zip'] };
    const ended = await call('POST', '/sessions/s1/complete', { body });
    expect(ended.body.session).toMatchObject({ state: 'completed', outcome: body, ended_at: expect.any(String) });
    expectProblem(await call('POST', '/sessions/s1/complete'), 409, 'SESSION_ENDED');
    expectProblem(await call('POST', '/sessions/s1/terminate', { body: { reason: 'x' } }), 409, 'SESSION_ENDED');
    expectProblem(await call('PATCH', '/sessions/s1/context', { body: {} }), 409, 'SESSION_ENDED');
    expectProblem(
      await call('POST', '/sessions/s1/participants', { body: { agent_id: 'a://b' } }),
      409,
      'SESSION_ENDED',
    );
  });

  it('is broken off with a reason', async () => {
    const { call } = await start();
    expectProblem(await call('POST', '/sessions/s1/terminate'), 400, 'VALIDATION_FAILED');
    const body = { reason: 'timeout', details: 'Frontend agent offline' };
    const ended = await call('POST', '/sessions/s1/terminate', { body });
    expect(ended.body.session).toMatchObject({ state: 'terminated', outcome: body });
  });

  it('is deleted, active or not', async () => {
    const { call, bus } = await start();
    bus.sessions.createSession({ sessionId: 'over', workspaceId: 'team-a' });
    bus.sessions.completeSession('over');
    for (const id of ['s1', 'over']) {
      const deleted = await call('DELETE', `/sessions/${id}`);
      expect(deleted).toMatchObject({ status: 200, body: { success: true, session: { session_id: id } } });
      for (const method of ['GET', 'DELETE']) {
        expectProblem(await call(method, `/sessions/${id}`), 404, 'SESSION_NOT_FOUND');
      }
    }
    expect((await call('POST', '/sessions', { body: tutorial })).status).toBe(201);
  });

  it('shows its tasks, messages and summary', async () => {
    const { call } = await start();
    expect((await call('GET', '/sessions/s1/tasks?status=pending')).body.items).toEqual([]);
    expect((await call('GET', '/sessions/s1/messages')).body.items).toEqual([]);
    expect((await call('GET', '/sessions/s1/summary')).body.summary).toMatchObject({ session_id: 's1' });
    const markdown = await call('GET', '/sessions/s1/summary', { headers: { accept: 'text/markdown' } });
    expect(markdown.headers['content-type']).toMatch(/^text\/markdown/);
    expect(markdown.text).toContain('s1');
  });

  it('pages its events', async () => {
    const { call } = await start();
    await call('PATCH', '/sessions/s1/context', { body: { a: 1 } });
    await call('PATCH', '/sessions/s1/context', { body: { a: 2 } });
    const first = await call('GET', '/sessions/s1/events?limit=2');
    expect(first.body.items.map((event: { type: string }) => event.type)).toEqual([
      'session_created',
      'context_updated',
    ]);
    const second = await call('GET', `/sessions/s1/events?limit=2&after=${first.body.next}`);
    expect(second.body.items.map((event: { id: string }) => event.id)).toEqual(['3']);
    expect(second.body).not.toHaveProperty('next');
  });
});
