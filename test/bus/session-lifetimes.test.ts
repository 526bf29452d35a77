import { describe, expect, it } from 'vitest';
import { createTutorial, hour, lead, message, open, qa, turn } from './session-setup.ts';

describe('a task', () => {
  it('times out at its deadline and not before', async () => {
    const { sessions, clock } = await open();
    const id = createTutorial(sessions);
    const task = sessions.delegateTask(id, { delegatee: qa, timeoutMs: 5000 });
    clock.advance(4999);
    expect(sessions.getTaskDelegation(task)?.status).toBe('pending');
    clock.advance(1);
    expect(sessions.getTaskDelegation(task)).toMatchObject({
      status: 'timeout',
      updated_at: '2025-02-02T11:00:05.000Z',
    });
  });

  it('times out in its turn, however many there are and in whatever order they came', async () => {
    const { sessions, clock } = await open();
    const id = createTutorial(sessions);
    const ended: string[] = [];
    sessions.on('task_updated', (event) => ended.push(`${event.task_id} ${clock.now() - Date.UTC(2025, 1, 2, 11)}`));
    for (const ms of [300, 100, 200]) sessions.delegateTask(id, { delegatee: qa, timeoutMs: ms, task_id: `t${ms}` });
    clock.advance(1000);
    expect(ended).toEqual(['t100 100', 't200 200', 't300 300']);
  });

  it('times out at the deadline of its message', async () => {
    const { sessions, clock } = await open();
    const id = createTutorial(sessions);
    const ref = sessions.recordMessage(message(id, 'task_request', lead, qa));
    clock.advance(300_000);
    expect(sessions.getTaskDelegation(ref?.task_id ?? '')?.status).toBe('timeout');
  });

  it('times out by default as configured', async () => {
    const { sessions } = await open({ defaultTaskTimeoutMs: 60_000 });
    const id = createTutorial(sessions);
    expect(sessions.getTaskDelegation(sessions.delegateTask(id, { delegatee: qa }))?.deadline).toBe(
      '2025-02-02T11:01:00.000Z',
    );
  });

  it('with a deadline beyond the calendar keeps one that sorts', async () => {
    const { sessions, clock } = await open();
    const id = createTutorial(sessions);
    sessions.delegateTask(id, { delegatee: qa, timeoutMs: 3.6e15, task_id: 'far' });
    sessions.delegateTask(id, { delegatee: qa, timeoutMs: 1000, task_id: 'near' });
    clock.advance(1000);
    expect(sessions.listTasks(id).items.map((task) => [task.status, task.deadline])).toEqual([
      ['pending', '9999-12-31T23:59:59.999Z'],
      ['timeout', '2025-02-02T11:00:01.000Z'],
    ]);
  });

  it('that ran out while the bus was down times out after the start', async () => {
    const { sessions, log, clock } = await open();
    const id = createTutorial(sessions);
    sessions.delegateTask(id, { delegatee: qa, timeoutMs: 5000, task_id: 't1' });
    await sessions.close();
    clock.advance(6000);
    const again = await open({ log, clock });
    clock.advance(1);
    expect(again.sessions.getTaskDelegation('t1')?.status).toBe('timeout');
  });
});

describe('an idle session', () => {
  it('is terminated once, counted from its last event and not from its creation', async () => {
    const { sessions, clock } = await open({ sessionTimeoutMs: hour });
    const id = createTutorial(sessions);
    const ended: unknown[] = [];
    sessions.on('session_terminated', (event) => ended.push([event.sessionId, event.reason]));
    clock.advance(hour - 1);
    sessions.updateSharedContext(id, { alive: true });
    clock.advance(hour - 1);
    expect(sessions.getSession(id)?.state).toBe('active');
    clock.advance(1);
    expect(sessions.getSession(id)).toMatchObject({ state: 'terminated', outcome: { reason: 'timeout' } });
    clock.advance(10 * hour);
    expect(ended).toEqual([[id, 'timeout']]);
    await sessions.settled(id);
    expect((await sessions.readEvents(id, 0, 100)).map((event) => event.type)).toEqual([
      'session_created',
      'context_updated',
      'session_terminated',
    ]);
  });

  it('has one timer, however much happens in it', async () => {
    const { sessions, clock } = await open();
    const id = createTutorial(sessions);
    for (let i = 0; i < 100; i++) sessions.delegateTask(id, { delegatee: qa, timeoutMs: 1000 + i });
    expect(clock.pending).toBe(1);
  });

  it('of which a listener disposes when its task times out ends quietly', async () => {
    const { sessions, clock } = await open({ sessionTimeoutMs: hour });
    const id = createTutorial(sessions);
    sessions.delegateTask(id, { delegatee: qa, timeoutMs: 1000 });
    sessions.on('task_updated', () => sessions.deleteSession(id));
    clock.advance(2 * hour);
    expect(sessions.getSession(id)).toBeUndefined();
    expect(clock.pending).toBe(0);
  });
});

describe('an ended session', () => {
  it('is forgotten after the retention, in the log too', async () => {
    const { sessions, clock, log } = await open({ retentionMs: hour });
    const id = createTutorial(sessions);
    const deleted: string[] = [];
    sessions.on('session_deleted', (event) => deleted.push(event.sessionId));
    sessions.completeSession(id);
    await sessions.settled(id);
    clock.advance(hour - 1);
    expect(sessions.getSession(id)?.state).toBe('completed');
    clock.advance(1);
    expect(sessions.getSession(id)).toBeUndefined();
    expect(deleted).toEqual([id]);
    await turn();
    expect(await log.sessionIds()).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('is forgotten after a restart as well', async () => {
    const { sessions, clock, log } = await open({ retentionMs: hour });
    const id = createTutorial(sessions);
    sessions.completeSession(id);
    await sessions.close();
    clock.advance(2 * hour);
    const again = await open({ log, clock, retentionMs: hour });
    expect(again.sessions.getSession(id)?.state).toBe('completed');
    clock.advance(1);
    expect(again.sessions.getSession(id)).toBeUndefined();
  });
});
