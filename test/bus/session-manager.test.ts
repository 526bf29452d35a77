import { describe, expect, it } from 'vitest';
import type { SessionEvent } from '../../src/protocol/types.gen.ts';
import { backend, createTutorial, frontend, lead, message, open, qa, refused, turn } from './session-setup.ts';

describe('creating a session', () => {
  it('works with the four arguments of the tutorial', async () => {
    const { sessions } = await open();
    const id = sessions.createSession(lead, [{ agent_id: qa }], [{ name: 'a', required_agents: [qa] }], {
      project: 'x',
    });
    expect(id).toMatch(/^sess_[0-9A-Z]{26}$/);
    expect(sessions.getSession(id)).toMatchObject({
      session_id: id,
      name: id,
      orchestrator: lead,
      workspace_id: 'default',
      user_id: null,
      shared_context: { project: 'x' },
      workflow: { current_step: 'a' },
    });
  });

  it('works with one object, every field of which may be left out', async () => {
    const { sessions } = await open({ workspaceId: 'w1' });
    const id = sessions.createSession({
      name: 'Development',
      userId: 'u1',
      workspaceId: 'w1',
      sessionId: 'sess_dev_1',
    });
    expect(id).toBe('sess_dev_1');
    expect(sessions.getSession(id)).toMatchObject({
      name: 'Development',
      user_id: 'u1',
      workspace_id: 'w1',
      orchestrator: null,
    });
    expect(sessions.getSession(sessions.createSession({}))).toMatchObject({ state: 'active', participants: [] });
  });

  it('refuses an id that is taken', async () => {
    const { sessions } = await open();
    sessions.createSession({ sessionId: 's1' });
    expect(() => sessions.createSession({ sessionId: 's1' })).toThrow(refused('SESSION_EXISTS'));
  });

  it.each([
    ['agent ids', { orchestrator: 'nobody' }],
    ['session ids', { sessionId: 'a b' }],
    ['workspace ids', { workspaceId: '' }],
    ['participants', { participants: [{ agent_id: 'x' }] }],
    ['roles', { participants: [{ agent_id: qa, role: '' }] }],
    ['lists', { participants: {} }],
    ['too long lists', { workflow: Array.from({ length: 257 }, (_, i) => ({ name: `s${i}`, required_agents: [] })) }],
    ['steps', { workflow: [{ name: 'a' }] }],
    ['contexts', { sharedContext: [] }],
    ['contexts that are no data', { sharedContext: { n: 1n } }],
  ])('refuses malformed %s', async (_what, session) => {
    const { sessions } = await open();
    expect(() => sessions.createSession(session as object)).toThrow(refused('VALIDATION_FAILED'));
    expect(sessions.getActiveSessions()).toEqual([]);
  });

  it('refuses a context that runs in a circle or too deep', async () => {
    const { sessions } = await open();
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    expect(() => sessions.createSession({ sharedContext: circle })).toThrow(refused('VALIDATION_FAILED'));
    const deep = JSON.parse(`${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`);
    expect(() => sessions.createSession({ sharedContext: deep })).toThrow(refused('VALIDATION_FAILED'));
  });
});

describe('a field that there is not', () => {
  it("is refused rather than passed over: a session would be nobody's, and a filter would fit all", async () => {
    const { sessions } = await open();
    const refusal = (field: string) =>
      expect.objectContaining({ code: 'VALIDATION_FAILED', message: expect.stringContaining(field) });
    const misspelt: object = { user_id: 'user-a' };
    expect(() => sessions.createSession(misspelt)).toThrow(refusal('session.user_id'));
    const id = createTutorial(sessions);
    expect(() => sessions.listSessions({ userId: 'user-a' } as object)).toThrow(refusal('filter.userId'));
    expect(() => sessions.listTasks(id, { agentId: qa } as object)).toThrow(refusal('filter.agentId'));
    expect(sessions.listSessions().items).toHaveLength(1);
  });
});

describe('what is handed in and out', () => {
  it('is neither kept nor changed', async () => {
    const { sessions } = await open();
    const participant = Object.freeze({ agent_id: qa });
    const step = { name: 'a', required_agents: [qa] };
    const context = { list: [1] };
    const id = sessions.createSession(lead, [participant], [step], context);
    step.required_agents.push('x://y');
    context.list.push(2);
    expect(sessions.getSession(id)).toMatchObject({
      shared_context: { list: [1] },
      workflow: { steps: [{ required_agents: [qa] }] },
    });
    expect(participant).toEqual({ agent_id: qa });
  });

  it('is what an error says, where a task is told of one that was thrown', async () => {
    const { sessions } = await open();
    const id = createTutorial(sessions);
    const task = sessions.delegateTask(id, { delegatee: qa });
    sessions.updateTaskStatus(id, task, 'failed', { error: new TypeError('no such file') });
    expect(sessions.getTaskDelegation(task)).toMatchObject({ status: 'failed', error: 'no such file' });
  });

  it('is never live: sessions, tasks, pages, events and milestones are copies', async () => {
    const { sessions } = await open();
    const given: { participants: unknown[] }[] = [];
    const recorded: SessionEvent[] = [];
    sessions.on('session_created', (event) => given.push(event));
    sessions.on('recorded', (event) => recorded.push(event));
    const id = createTutorial(sessions);
    const task = sessions.delegateTask(id, { delegatee: qa });
    await sessions.settled(id);
    const before = JSON.stringify([sessions.getSession(id), sessions.getTaskDelegation(task), sessions.getSummary(id)]);
    for (const value of [
      sessions.getSession(id),
      sessions.getActiveSessions(),
      sessions.listSessions(),
      sessions.getWorkflowProgress(id),
      sessions.getTaskDelegation(task),
      sessions.getTasksForAgent(qa),
      sessions.listTasks(id),
      sessions.getSummary(id),
      await sessions.readEvents(id, 0, 10),
      given,
      recorded,
    ]) {
      spoil(value);
    }
    expect(JSON.stringify([sessions.getSession(id), sessions.getTaskDelegation(task), sessions.getSummary(id)])).toBe(
      before,
    );
    expect((await sessions.readEvents(id, 0, 10)).map((event) => event.type)).toEqual([
      'session_created',
      'task_delegated',
    ]);
  });
});

/** Empties whatever it can reach. */
function spoil(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    spoil(inner);
    Reflect.deleteProperty(value, key);
  }
}

describe('a session', () => {
  it('that is unknown is undefined to read and refused to change', async () => {
    const { sessions } = await open();
    expect(sessions.getSession('none')).toBeUndefined();
    expect(() => sessions.updateSharedContext('none', {})).toThrow(refused('SESSION_NOT_FOUND'));
    expect(() => sessions.getSummary('none')).toThrow(refused('SESSION_NOT_FOUND'));
    expect(() => sessions.listTasks('none')).toThrow(refused('SESSION_NOT_FOUND'));
    expect(() => sessions.deleteSession('none')).toThrow(refused('SESSION_NOT_FOUND'));
    expect(() => sessions.recordMessage(message('none', 'task_request', lead, qa))).toThrow(
      refused('SESSION_NOT_FOUND'),
    );
    await expect(sessions.readEvents('none', 0, 1)).rejects.toThrow(refused('SESSION_NOT_FOUND'));
    await expect(sessions.settled('none')).rejects.toThrow(refused('SESSION_NOT_FOUND'));
    await sessions.messageDied('none', 'm', 'expired');
  });

  it('goes through the tutorial', async () => {
    const { sessions } = await open();
    const id = createTutorial(sessions);
    sessions.addParticipant(id, { agent_id: 'opencode://security', framework: 'opencode', role: 'reviewer' });
    sessions.updateWorkflow(id, {
      current_step: 'implementation',
      completed_steps: ['design'],
      pending_steps: ['review'],
    });
    sessions.updateSharedContext(id, { ...sessions.getSession(id)?.shared_context, branch: 'b' });
    sessions.mergeSharedContext(id, { latestCommit: 'abc' }, { expectedVersion: 2 });
    expect(() => sessions.mergeSharedContext(id, {}, { expectedVersion: 2 })).toThrow(refused('VERSION_MISMATCH'));
    expect(sessions.getSession(id)).toMatchObject({
      shared_context: { branch: 'b', latestCommit: 'abc' },
      context_version: 3,
    });
    expect(sessions.getWorkflowProgress(id)).toEqual({
      current_step: 'implementation',
      completed_steps: ['design'],
      pending_steps: ['review'],
      total: 3,
      completed: 1,
      percent: 33,
    });
    expect(sessions.advanceWorkflow(id)).toBe('review');
    sessions.removeParticipant(id, frontend);
    sessions.completeSession(id, { summary: 'All done', artifacts: ['s3://artifacts/build.zip'] });
    expect(() => sessions.terminateSession(id, { reason: 'late' })).toThrow(refused('SESSION_ENDED'));
    expect(sessions.getSession(id)).toMatchObject({ state: 'completed', outcome: { summary: 'All done' } });
    expect(sessions.getActiveSessions()).toEqual([]);
  });

  it('correlates messages and says which task they are about', async () => {
    const { sessions } = await open();
    const id = createTutorial(sessions);
    const request = message(id, 'task_request', lead, backend);
    const ref = sessions.recordMessage(request);
    expect(ref).toEqual({ task_id: expect.stringMatching(/^task_/), session_id: id, step: 'implementation' });
    expect(sessions.recordMessage(request)).toEqual(ref);
    expect(sessions.recordMessage(message(id, 'task_response', backend, lead))).toEqual(ref);
    expect(sessions.getTaskDelegation(ref?.task_id ?? '')).toMatchObject({
      status: 'completed',
      message_id: request.message_id,
    });
    expect(sessions.recordMessage(message(id, 'task_response', backend, lead))).toEqual(ref);
    expect(sessions.getTaskDelegation(ref?.task_id ?? '', id)?.late).toHaveLength(1);
    expect(sessions.recordMessage(message(id, 'task_response', qa, lead))).toBeUndefined();
  });

  it('keeps no hold of a payload', async () => {
    const { sessions } = await open();
    const id = createTutorial(sessions);
    const task = sessions.recordMessage(message(id, 'task_request', lead, qa))?.task_id ?? '';
    const payload = { ok: true };
    sessions.recordMessage({ ...message(id, 'task_response', qa, lead), payload });
    payload.ok = false;
    expect(sessions.getTaskDelegation(task)?.result).toEqual({ ok: true });
  });

  it('refuses an answer nested too deeply, and changes nothing', async () => {
    const { sessions } = await open();
    const id = createTutorial(sessions);
    const payload: unknown = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
    expect(() => sessions.recordMessage({ ...message(id, 'task_response', qa, lead), payload })).toThrow(
      refused('VALIDATION_FAILED'),
    );
    expect(sessions.getSession(id)?.version).toBe(1);
  });

  it('knows a task by its session, as two sessions may use the same id', async () => {
    const { sessions } = await open();
    const [first, second] = [createTutorial(sessions), createTutorial(sessions)];
    for (const id of [first, second]) sessions.delegateTask(id, { delegatee: qa, task_id: 'review' });
    sessions.updateTaskStatus(second, 'review', 'completed', { result: 1 });
    expect(sessions.getTaskDelegation('review')?.session_id).toBe(first);
    expect(sessions.getTaskDelegation('review', second)).toMatchObject({
      session_id: second,
      status: 'completed',
      result: 1,
    });
    expect(sessions.getTaskDelegation('none')).toBeUndefined();
    expect(sessions.getTasksForAgent(qa).map((task) => task.session_id)).toEqual([first, second]);
  });

  it.each([
    ['priority', { delegatee: qa, priority: 'urgent' }],
    ['timeoutMs', { delegatee: qa, timeoutMs: 0 }],
    ['delegatee', { delegatee: 'qa' }],
    ['task_id', { delegatee: qa, task_id: '' }],
  ])('refuses to delegate with a malformed %s', async (_what, task) => {
    const { sessions } = await open();
    const id = createTutorial(sessions);
    expect(() => sessions.delegateTask(id, task as { delegatee: string })).toThrow(refused('VALIDATION_FAILED'));
  });

  it('refuses malformed changes', async () => {
    const { sessions } = await open();
    const id = createTutorial(sessions);
    const task = sessions.delegateTask(id, { delegatee: qa });
    const malformed = [
      () => sessions.updateWorkflow(id, {}),
      () => sessions.updateTaskStatus(id, task, 'done' as 'completed'),
      () => sessions.updateTaskStatus(id, task, 'completed', { agentId: 'nobody' }),
      () => sessions.terminateSession(id, { reason: '' }),
      () => sessions.completeSession(id, { artifacts: 'x' as unknown as [] }),
      () => sessions.listTasks(id, { limit: 0 }),
      () => sessions.listTasks(id, { after: 'none' }),
      () => sessions.updateSharedContext(id, null as unknown as object as Record<string, unknown>),
    ];
    for (const change of malformed) expect(change).toThrow(refused('VALIDATION_FAILED'));
    expect(sessions.getSession(id)?.version).toBe(2);
  });
});

describe('lists', () => {
  it('of sessions are filtered and come in pages that do not move', async () => {
    const { sessions } = await open();
    for (const index of [0, 1, 2, 3]) {
      sessions.createSession({
        sessionId: `s${index}`,
        userId: `u${index % 2}`,
        participants: [{ agent_id: qa }],
      });
    }
    sessions.completeSession('s3');
    sessions.removeParticipant('s2', qa);
    const ids = (filter: Parameters<typeof sessions.listSessions>[0]) =>
      sessions.listSessions(filter).items.map((one) => one.session_id);
    expect(ids({ workspace_id: 'w1' })).toEqual([]);
    expect(ids({ workspace_id: 'default' })).toEqual(['s0', 's1', 's2', 's3']);
    expect(ids({ state: 'active', user_id: 'u0' })).toEqual(['s0', 's2']);
    expect(ids({ user_id: 'u1' })).toEqual(['s1', 's3']);
    expect(ids({ participant: qa })).toEqual(['s0', 's1', 's3']);
    expect(ids({ name: 's1' })).toEqual(['s1']);
    const page = sessions.listSessions({ limit: 2 });
    expect(page.next).toBe('s1');
    sessions.deleteSession('s1');
    const rest = sessions.listSessions({ limit: 2, after: 's1' });
    expect(rest.items.map((one) => one.session_id)).toEqual(['s2', 's3']);
    expect(rest).not.toHaveProperty('next');
  });

  it('of tasks are filtered and come in the order of their creation', async () => {
    const { sessions } = await open();
    const id = createTutorial(sessions);
    for (const [task_id, delegatee] of [
      ['z', qa],
      ['y', backend],
      ['x', qa],
      ['w', frontend],
    ] as const) {
      sessions.delegateTask(id, { task_id, delegatee });
    }
    sessions.updateTaskStatus(id, 'x', 'in_progress');
    const ids = (filter: Parameters<typeof sessions.listTasks>[1]) =>
      sessions.listTasks(id, filter).items.map((one) => one.task_id);
    expect(ids({})).toEqual(['z', 'y', 'x', 'w']);
    expect(ids({ agent_id: qa })).toEqual(['z', 'x']);
    expect(ids({ status: 'in_progress' })).toEqual(['x']);
    expect(ids({ step: 'implementation' })).toEqual(['y', 'w']);
    expect(sessions.listTasks(id, { limit: 2 })).toMatchObject({ next: 'y' });
    expect(ids({ limit: 2, after: 'y' })).toEqual(['x', 'w']);
    expect(sessions.listTasks(id, { limit: 2, after: 'y' })).not.toHaveProperty('next');
  });
});

describe('milestones', () => {
  it('come in the turn of the call, in order, with the session under both names', async () => {
    const { sessions } = await open();
    const seen: unknown[] = [];
    sessions.on('session_created', (event) =>
      seen.push(['session_created', event.sessionId, event.session_id, event.event.id]),
    );
    sessions.on('task_delegated', (event) =>
      seen.push(['task_delegated', event.sessionId, event.task.delegatee, event.event.id]),
    );
    sessions.on('task_updated', (event) => seen.push(['task_updated', event.status, event.event.id]));
    sessions.on('step_completed', (event) => seen.push(['step_completed', event.step]));
    sessions.on('workflow_advanced', (event) => seen.push(['workflow_advanced', event.from, event.to]));
    sessions.on('session_completed', (event) => seen.push(['session_completed', event.sessionId, event.summary]));
    sessions.on('session_deleted', (event) => seen.push(['session_deleted', event.sessionId]));
    const id = createTutorial(sessions);
    sessions.recordMessage(message(id, 'task_request', qa, lead));
    sessions.recordMessage(message(id, 'task_response', lead, qa));
    sessions.completeSession(id, { summary: 'done' });
    sessions.deleteSession(id);
    expect(seen).toEqual([
      ['session_created', id, id, '1'],
      ['task_delegated', id, lead, '3'],
      ['task_updated', 'completed', '5'],
      ['step_completed', 'design'],
      ['workflow_advanced', 'design', 'implementation'],
      ['session_completed', id, 'done'],
      ['session_deleted', id],
    ]);
  });

  it('that a listener brings about come after the one it listened to, for every listener', async () => {
    const { sessions } = await open();
    const seen: string[] = [];
    sessions.on('participant_added', (event) => sessions.updateSharedContext(event.sessionId, { n: 1 }));
    sessions.on('context_updated', () => seen.push('context_updated'));
    sessions.on('participant_added', () => seen.push('participant_added'));
    const id = createTutorial(sessions);
    sessions.addParticipant(id, { agent_id: 'x://y' });
    expect(seen).toEqual(['participant_added', 'context_updated']);
  });

  it('of one command come one after the other, and then what a listener of the first brings about', async () => {
    const { sessions } = await open();
    const seen: string[] = [];
    sessions.on('participant_removed', ({ sessionId }) => sessions.updateSharedContext(sessionId, { n: 1 }));
    for (const type of ['participant_removed', 'task_updated', 'context_updated'] as const) {
      sessions.on(type, ({ event }: { event: SessionEvent }) => seen.push(`${event.id} ${event.type}`));
    }
    const id = createTutorial(sessions);
    sessions.recordMessage(message(id, 'task_request', lead, qa));
    sessions.removeParticipant(id, qa);
    expect(seen).toEqual(['4 participant_removed', '5 task_updated', '6 context_updated']);
  });

  it('reach the other listeners and leave the caller alone when one throws', async () => {
    const { sessions } = await open();
    const warnings: unknown[] = [];
    const note = (warning: Error) => warnings.push(warning.message);
    process.on('warning', note);
    const seen: string[] = [];
    sessions.on('session_created', () => {
      throw new Error('a broken listener');
    });
    sessions.once('session_created', (event) => seen.push(event.sessionId));
    const [first] = [createTutorial(sessions), createTutorial(sessions)];
    await turn();
    process.off('warning', note);
    expect(seen).toEqual([first]);
    expect(warnings).toEqual(['a broken listener', 'a broken listener']);
  });
});
