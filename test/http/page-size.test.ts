// Lists of what is a megabyte each: no page has more than about four of them, and all are found by going on with `next`.
import { describe, expect, it } from 'vitest';
import { backend, envelope, noRetries, orchestrator, type RunningBus, startBus } from '../support/running-bus.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const large = { text: 'x'.repeat(900_000) };
const count = 6;
const names = Array.from({ length: count }, (_, n) => `n${n}`);

/** How many items there are on each page. */
async function pagesOf({ call }: RunningBus, path: string, holds: (item: unknown) => boolean): Promise<number[]> {
  const sizes: number[] = [];
  for (let next: string | undefined = ''; next !== undefined; ) {
    const cursor: string = next === '' ? '' : `&after=${encodeURIComponent(next)}`;
    const { status, body } = await call('GET', `${path}?limit=1000${cursor}`);
    expect(status, path).toBe(200);
    expect(JSON.stringify(body).length).toBeLessThan(5_000_000);
    sizes.push(body.items.filter(holds).length);
    next = body.next;
  }
  return sizes;
}

const isLarge = (item: unknown): boolean => JSON.stringify(item).length > large.text.length;

const total = (sizes: readonly number[]): number => sizes.reduce((sum, size) => sum + size, 0);

/** Requests and their answers in a session, which was created as told. */
async function talk(bus: RunningBus, session_id: string): Promise<void> {
  await bus.call('POST', '/sessions', { session_id, orchestrator, participants: [{ agent_id: backend }] });
  for (const name of names) {
    const inSession = { sender: { agent_id: orchestrator, session_id }, metadata: { task_id: name }, payload: large };
    expect((await bus.send(envelope(`q-${name}`, orchestrator, backend, inSession))).status).toBe(202);
    const result = { status: 'completed', result: large };
    expect((await bus.call('PATCH', `/sessions/${session_id}/tasks/${name}`, result)).status).toBe(200);
  }
}

describe('a page of large', () => {
  it.each([false, true])(
    'events, messages and tasks of a session is short (on disk: %s)',
    async (persistenceEnabled) => {
      const options = persistenceEnabled ? { persistenceEnabled, dataDir: temporaryFolder() } : {};
      const bus = await startBus(options);
      await talk(bus, 's1');
      for (const list of ['events', 'messages', 'tasks']) {
        const sizes = await pagesOf(bus, `/sessions/s1/${list}`, isLarge);
        expect([list, total(sizes), sizes.length > 1]).toEqual([list, count, true]);
      }
      if (!persistenceEnabled) return;
      const before = (await bus.call('GET', '/sessions/s1')).body.session;
      await bus.bus.stop();
      const after = await startBus(options);
      expect((await after.call('GET', '/sessions/s1')).body.session.version).toBe(before.version);
      expect(total(await pagesOf(after, '/sessions/s1/tasks', isLarge))).toBe(count);
    },
  );

  it('agents is short', async () => {
    const bus = await startBus();
    for (const name of names) {
      const agent_descriptor = { agent_id: `codex://${name}`, capabilities: [], metadata: large };
      expect((await bus.call('POST', '/agents/register', { agent_descriptor })).status).toBe(201);
    }
    const sizes = await pagesOf(bus, '/agents', isLarge);
    expect([total(sizes), sizes.length > 1]).toEqual([count, true]);
  });

  it('dead letters is short', async () => {
    const bus = await startBus();
    await bus.register(backend);
    for (const name of names) {
      await bus.send(envelope(name, orchestrator, backend, { routing: noRetries, payload: large }));
      await bus.call('GET', `/agents/${backend}/messages`);
      await bus.call('POST', `/agents/${backend}/messages/${name}/nack`, { requeue: false });
      await bus.untilStatus(name, 'dead');
    }
    const sizes = await pagesOf(bus, '/dead-letters', isLarge);
    expect([total(sizes), sizes.length > 1]).toEqual([count, true]);
  });

  it('sessions is short, and none of several workspaces is passed over', async () => {
    const bus = await startBus();
    const make = async (session_id: string, workspace_id: string, shared_context: object) =>
      expect((await bus.call('POST', '/sessions', { session_id, workspace_id, shared_context })).status).toBe(201);
    for (const name of names) {
      await make(`a-${name}`, 'team-a', large);
      await make(`b-${name}`, 'team-b', {});
    }
    for (const name of ['a-n3x', 'a-n5x']) await make(name, 'team-b', {});
    const sizes = await pagesOf(bus, '/sessions', () => true);
    expect([total(sizes), sizes.length > 1]).toEqual([2 * count + 2, true]);
  });
});
