// One task over HTTP: claimed, worked on, ended, cancelled, and by whom.
import { describe, expect, it } from 'vitest';
import { backend, envelope, frontend, orchestrator, type RunningBus, startBus } from '../support/running-bus.ts';

const qa = 'claude-code://qa';
const stranger = 'custom://stranger';
const path = '/sessions/s1/tasks/t1';

/** A task of the backend that the orchestrator has asked for; the qa takes part, the frontend may be its fallback. */
async function start() {
  const bus = await startBus();
  const tokens: Record<string, string> = {};
  for (const id of [orchestrator, backend, frontend, qa, stranger]) tokens[id] = await bus.register(id);
  bus.bus.sessionManager.createSession({
    sessionId: 's1',
    orchestrator,
    participants: [{ agent_id: backend }, { agent_id: qa }],
  });
  await bus.send(
    envelope('m1', qa, backend, {
      sender: { agent_id: qa, session_id: 's1' },
      metadata: { task_id: 't1' },
      routing: { fallback_agents: [frontend] },
    }),
  );
  const patch = (body: object, as?: string) => bus.call('PATCH', path, body, as === undefined ? undefined : tokens[as]);
  return { bus, tokens, patch };
}

/** The request, and its task with it, goes on to the fallback. */
async function passOn(bus: RunningBus): Promise<void> {
  await bus.call('GET', `/agents/${backend}/messages`);
  await bus.call('POST', `/agents/${backend}/messages/m1/nack`, { requeue: false });
  await expect.poll(async () => (await bus.call('GET', path)).body.task.delegatee, { timeout: 5_000 }).toBe(frontend);
}

describe('a task over HTTP', () => {
  it('is shown', async () => {
    const { bus } = await start();
    const { status, body } = await bus.call('GET', path);
    expect([status, body.task]).toEqual([200, bus.bus.sessionManager.getTaskDelegation('t1', 's1')]);
    expect(await bus.call('GET', '/sessions/s1/tasks/none')).toMatchObject({
      status: 404,
      body: { code: 'TASK_NOT_FOUND' },
    });
    expect((await bus.call('GET', '/sessions/none/tasks/t1')).body.code).toBe('SESSION_NOT_FOUND');
  });

  it('is claimed, worked on and completed by its agent', async () => {
    const { bus, patch } = await start();
    await bus.call('GET', `/agents/${backend}/messages`);
    const claimed = await patch({ status: 'in_progress' }, backend);
    expect(claimed).toMatchObject({ status: 200, body: { task: { status: 'in_progress' } } });
    const progress = await patch({ status: 'in_progress', result: { percent: 50 } }, backend);
    expect(progress.body.task).toMatchObject({
      status: 'in_progress',
      result: { percent: 50 },
      started_at: claimed.body.task.started_at,
    });
    const done = await patch({ status: 'completed', result: { files: 3 } }, backend);
    expect(done.body.task).toMatchObject({ status: 'completed', result: { files: 3 } });
    await bus.untilStatus('m1', 'acknowledged');
  });

  it('fails with the reason that its agent gives, and stays failed', async () => {
    const { patch } = await start();
    const failed = await patch({ status: 'failed', error: { why: 'no disk' } }, backend);
    expect(failed.body.task).toMatchObject({ status: 'failed', error: { why: 'no disk' } });
    for (const status of ['completed', 'in_progress']) {
      expect(await patch({ status, result: 1 }, backend)).toMatchObject({ status: 409, body: { code: 'TASK_ENDED' } });
    }
    expect((await patch({ status: 'cancelled' })).body.code).toBe('TASK_ENDED');
  });

  it.each([qa, orchestrator])('is cancelled by %s, and its agent is told', async (canceller) => {
    const { bus, patch } = await start();
    const agent = await bus.connect(backend);
    await agent.envelope('m1');
    expect((await patch({ status: 'cancelled' }, canceller)).body.task.status).toBe('cancelled');
    expect((await agent.envelope()).payload).toMatchObject({ code: 'TASK_CANCELLED', task_id: 't1' });
    await bus.untilStatus('m1', 'dead');
  });

  it.each([
    ['completed', qa],
    ['in_progress', orchestrator],
    ['failed', qa],
    ['cancelled', backend],
    ['completed', stranger],
    ['cancelled', stranger],
  ])('is not %s by %s', async (status, agent) => {
    const { bus, patch } = await start();
    expect(await patch({ status }, agent)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect((await bus.call('GET', path)).body.task.status).toBe('pending');
  });

  it('that went on to a fallback is moved by that, though it takes no part, and no longer by who had it', async () => {
    const { bus, tokens, patch } = await start();
    await passOn(bus);
    expect((await patch({ status: 'completed' }, backend)).status).toBe(403);
    expect((await patch({ status: 'completed', agent_id: backend })).status).toBe(403);
    expect((await bus.call('GET', path, undefined, tokens[frontend])).status).toBe(200);
    expect((await bus.call('GET', path, undefined, tokens[stranger])).status).toBe(403);
    expect((await patch({ status: 'in_progress' }, frontend)).status).toBe(200);
    expect((await patch({ status: 'completed', result: 1, agent_id: frontend })).body.task.status).toBe('completed');
  });

  it('is moved for anybody with a key that is for no agent, and for no other with the token of one', async () => {
    const { patch } = await start();
    expect((await patch({ status: 'in_progress', agent_id: backend }, qa)).body.code).toBe('FORBIDDEN');
    expect((await patch({ status: 'in_progress', agent_id: backend }, backend)).status).toBe(200);
    expect((await patch({ status: 'completed' })).status).toBe(200);
  });

  it.each([{}, { status: 'pending' }, { status: 'timeout' }, { status: 'failed', why: 1 }])(
    'is not moved by %j',
    async (body) => {
      const { patch } = await start();
      expect((await patch(body)).body.code).toBe('VALIDATION_FAILED');
    },
  );
});
