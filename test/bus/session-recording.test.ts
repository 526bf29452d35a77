import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nextEvent } from '../../src/core/session/draft.ts';
import { fold } from '../../src/core/session/evolve.ts';
import type { SessionEvent, SessionEventBody } from '../../src/protocol/types.gen.ts';
import type { MemorySessionLog } from '../support/memory-session-log.ts';
import { backend, createTutorial, frontend, lead, message, open, qa, refused, turn } from './session-setup.ts';

const unhandled: unknown[] = [];
const note = (error: unknown) => unhandled.push(error);
beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', note);
});
afterEach(async () => {
  await turn();
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
});

/** Another writer appends to the end of the stream. */
function otherWriter(log: MemorySessionLog, id: string, ...bodies: SessionEventBody[]): void {
  for (const body of bodies) {
    const state = fold(undefined, log.events(id));
    const version = state?.session.version ?? 0;
    log.write(id, version, [nextEvent(state, id, '2025-02-02T11:00:00.000Z', body)]);
  }
}

const joined = (agent_id: string): SessionEventBody => ({
  type: 'participant_added',
  data: {
    participant: { agent_id, framework: 'x', role: 'r', status: 'active', join_time: '2025-02-02T11:00:00.000Z' },
  },
});

/** A promise and the means to keep it. */
function gate(): { closed: Promise<void>; open: () => void } {
  let open = () => {};
  const closed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { closed, open };
}

describe('the log', () => {
  it('gets everything of one turn in one append', async () => {
    const { sessions, log } = await open();
    const id = createTutorial(sessions);
    sessions.advanceWorkflow(id);
    sessions.addParticipant(id, { agent_id: 'x://y' });
    expect(log.events(id)).toEqual([]);
    await sessions.settled(id);
    expect(log.appends).toEqual([
      {
        sessionId: id,
        expectedVersion: 0,
        types: ['session_created', 'step_completed', 'workflow_advanced', 'participant_added'],
      },
    ]);
  });

  it('is given the events of each turn at once, on the version that those before lead to', async () => {
    const { sessions, log } = await open();
    const { closed, open: release } = gate();
    log.gate = closed;
    const id = createTutorial(sessions);
    await turn();
    sessions.advanceWorkflow(id);
    await turn();
    sessions.advanceWorkflow(id);
    await turn();
    expect(log.appends.map((one) => one.expectedVersion)).toEqual([0, 1, 3]);
    release();
    await sessions.settled(id);
    expect(log.events(id).map((event) => event.id)).toEqual(['1', '2', '3', '4', '5']);
  });

  it('refuses all that was under way with an append that came too late, and is given it again in its order', async () => {
    const { sessions, log } = await open();
    const id = createTutorial(sessions);
    await sessions.settled(id);
    const { closed, open: release } = gate();
    log.gate = closed;
    sessions.updateSharedContext(id, { first: 1 });
    await turn();
    sessions.mergeSharedContext(id, { second: 2 });
    await turn();
    const foreign = {
      id: '2',
      type: 'step_completed',
      session_id: id,
      at: '2025-02-02T11:00:01.000Z',
      data: { step: 'design' },
    };
    log.write(id, 1, [foreign as SessionEvent]);
    release();
    await sessions.settled(id);
    expect(log.events(id).map((event) => event.type)).toEqual([
      'session_created',
      'step_completed',
      'context_updated',
      'context_updated',
    ]);
    expect(sessions.getSession(id)).toMatchObject({ version: 4, shared_context: { first: 1, second: 2 } });
  });

  it('is waited for by settled and by recorded', async () => {
    const { sessions, log } = await open();
    const { closed, open: release } = gate();
    log.gate = closed;
    const recorded: string[] = [];
    let settled = false;
    sessions.on('recorded', (event) => recorded.push(`${event.id} ${event.type}`));
    const id = createTutorial(sessions);
    sessions.advanceWorkflow(id);
    const waiting = sessions.settled(id).then(() => {
      settled = true;
    });
    await turn();
    expect([settled, recorded]).toEqual([false, []]);
    release();
    await waiting;
    expect(recorded).toEqual(['1 session_created', '2 step_completed', '3 workflow_advanced']);
  });

  it('is waited for as far as the call goes, and not for what comes after', async () => {
    const { sessions, log } = await open();
    const id = createTutorial(sessions);
    const first = sessions.settled(id);
    await turn();
    await first;
    const { closed, open: release } = gate();
    log.gate = closed;
    sessions.advanceWorkflow(id);
    let settled = false;
    const second = sessions.settled(id).then(() => {
      settled = true;
    });
    await turn();
    expect(settled).toBe(false);
    release();
    await second;
  });

  it('brings equal sessions back', async () => {
    const { sessions, log, clock } = await open();
    const [one, two, three] = [createTutorial(sessions), createTutorial(sessions), createTutorial(sessions)];
    for (const agent of [backend, frontend]) {
      sessions.recordMessage(message(one, 'task_request', lead, agent));
      sessions.recordMessage(message(one, 'task_response', agent, lead));
    }
    sessions.mergeSharedContext(one, { a: { b: 1 } });
    const request = message(one, 'task_request', lead, qa);
    const ref = sessions.recordMessage(request);
    sessions.completeSession(two, { artifacts: [1, null] });
    sessions.deleteSession(three);
    await sessions.close();
    await sessions.settled(three).catch(() => undefined);

    const again = await open({ log, clock });
    expect(again.sessions.getSession(one)).toEqual(sessions.getSession(one));
    expect(again.sessions.getSession(two)).toEqual(sessions.getSession(two));
    expect(again.sessions.getSession(three)).toBeUndefined();
    expect(again.sessions.listTasks(one)).toEqual(sessions.listTasks(one));
    expect(again.sessions.getSummary(one)).toEqual(sessions.getSummary(one));
    expect(again.sessions.recordMessage(request)).toEqual(ref);
    again.sessions.recordMessage(message(one, 'task_response', qa, lead));
    await again.sessions.settled(one);
    expect(fold(undefined, log.events(one))?.session).toEqual(again.sessions.getSession(one));
  });

  it('brings back sessions of more events than fit a page', async () => {
    const { sessions, log } = await open();
    const id = createTutorial(sessions);
    for (let i = 0; i < 2500; i++) sessions.mergeSharedContext(id, { i });
    await sessions.settled(id);
    const again = await open({ log });
    expect(again.sessions.getSession(id)).toMatchObject({ version: 2501, shared_context: { i: 2499 } });
  });
});

describe('when another writer was first', () => {
  it('the commands run again on what that one wrote, and the caller notices nothing', async () => {
    const { sessions, log } = await open();
    const id = createTutorial(sessions);
    await sessions.settled(id);
    const recorded: string[] = [];
    sessions.on('recorded', (event) => recorded.push(`${event.id} ${event.type}`));
    log.beforeNextAppend = () => otherWriter(log, id, joined('x://other'));
    const ref = sessions.recordMessage(message(id, 'task_request', lead, qa));
    await sessions.settled(id);
    expect(recorded).toEqual(['2 participant_added', '3 message_recorded', '4 task_delegated']);
    const session = sessions.getSession(id);
    expect(session?.participants.map((one) => one.agent_id)).toContain('x://other');
    expect(session?.version).toBe(4);
    expect(sessions.getTaskDelegation(ref?.task_id ?? '')?.status).toBe('pending');
    expect(fold(undefined, log.events(id))?.session).toEqual(session);
  });

  it('one that does not hold any more is dropped, and settled says why, once', async () => {
    const { sessions, log } = await open();
    const id = createTutorial(sessions);
    await sessions.settled(id);
    log.beforeNextAppend = () => otherWriter(log, id, joined('x://y'));
    sessions.addParticipant(id, { agent_id: 'x://y' });
    sessions.mergeSharedContext(id, { kept: true });
    await expect(sessions.settled(id)).rejects.toThrow(refused('PARTICIPANT_EXISTS'));
    await expect(sessions.settled(id)).resolves.toBeUndefined();
    expect(sessions.getSession(id)).toMatchObject({ version: 3, shared_context: { kept: true } });
    expect(fold(undefined, log.events(id))?.session).toEqual(sessions.getSession(id));
  });

  it('each caller hears of its own command', async () => {
    const { sessions, log } = await open();
    const id = createTutorial(sessions);
    await sessions.settled(id);
    log.beforeNextAppend = () => otherWriter(log, id, joined('x://y'));
    sessions.addParticipant(id, { agent_id: 'x://y' });
    const [first, same] = [sessions.settled(id), sessions.settled(id)];
    sessions.addParticipant(id, { agent_id: 'x://z' });
    const second = sessions.settled(id);
    const outcomes = await Promise.allSettled([first, same, second]);
    expect(outcomes.map((one) => one.status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  });

  it('a creation finds the id taken, and the session is the one of the other writer', async () => {
    const { sessions, log } = await open();
    log.beforeNextAppend = () =>
      otherWriter(log, 's1', {
        type: 'session_created',
        data: {
          name: 'theirs',
          user_id: null,
          workspace_id: 'w',
          orchestrator: null,
          participants: [],
          steps: [],
          shared_context: {},
          auto_advance: true,
        },
      });
    sessions.createSession({ sessionId: 's1', name: 'ours' });
    await expect(sessions.settled('s1')).rejects.toThrow(refused('SESSION_EXISTS'));
    expect(sessions.getSession('s1')?.name).toBe('theirs');
  });

  it('and the session ended there, it has ended here', async () => {
    const { sessions, log } = await open();
    const id = createTutorial(sessions);
    await sessions.settled(id);
    log.beforeNextAppend = () => otherWriter(log, id, { type: 'session_completed', data: {} });
    sessions.recordMessage(message(id, 'task_request', lead, qa));
    await expect(sessions.settled(id)).rejects.toThrow(refused('SESSION_ENDED'));
    expect(sessions.getSession(id)?.state).toBe('completed');
    expect(sessions.listTasks(id).items).toEqual([]);
  });

  it('a log that refuses for ever is given up, and later commands get their chance', async () => {
    const { sessions, log } = await open();
    const id = createTutorial(sessions);
    await sessions.settled(id);
    const refuse = () => {
      log.beforeNextAppend = refuse;
      otherWriter(log, id, { type: 'context_updated', data: { mode: 'merge', context: {}, context_version: 2 } });
    };
    refuse();
    sessions.addParticipant(id, { agent_id: 'x://y' });
    await expect(sessions.settled(id)).rejects.toThrow(refused('VERSION_MISMATCH'));
    log.beforeNextAppend = undefined;
    sessions.addParticipant(id, { agent_id: 'x://y' });
    await sessions.settled(id);
    expect(fold(undefined, log.events(id))?.session).toEqual(sessions.getSession(id));
  });
});

describe('when the store fails', () => {
  it('settled rejects, again and again, and the session takes no more', async () => {
    const { sessions, log } = await open();
    const id = createTutorial(sessions);
    await sessions.settled(id);
    log.broken = true;
    sessions.addParticipant(id, { agent_id: 'x://y' });
    await expect(sessions.settled(id)).rejects.toThrow(refused('STORE_FAILED'));
    await expect(sessions.settled(id)).rejects.toThrow(refused('STORE_FAILED'));
    expect(() => sessions.advanceWorkflow(id)).toThrow(refused('STORE_FAILED'));
    expect(sessions.getSession(id)).toEqual(fold(undefined, log.events(id))?.session);
  });

  it('a session that was never recorded is gone', async () => {
    const { sessions, log } = await open();
    log.broken = true;
    const id = createTutorial(sessions);
    await expect(sessions.settled(id)).rejects.toThrow(refused('STORE_FAILED'));
    expect(sessions.getSession(id)).toBeUndefined();
    expect(sessions.getActiveSessions()).toEqual([]);
  });

  it('nobody has to listen: no rejection goes unhandled, and close still ends', async () => {
    const { sessions, log } = await open();
    const id = createTutorial(sessions);
    await sessions.settled(id);
    log.broken = true;
    sessions.advanceWorkflow(id);
    await turn();
    sessions.deleteSession(id);
    await turn();
    await sessions.close();
  });
});

describe('deleting', () => {
  it('breaks off first what is active, and says so', async () => {
    const { sessions } = await open();
    const id = createTutorial(sessions, 'sess_x');
    const task = sessions.delegateTask(id, { delegatee: lead });
    const seen: unknown[] = [];
    sessions.on('task_updated', ({ task_id, status }) => seen.push([task_id, status]));
    sessions.on('session_terminated', ({ reason }) => seen.push(reason));
    sessions.on('session_deleted', ({ sessionId }) => seen.push(sessionId));
    sessions.deleteSession(id);
    expect(seen).toEqual([[task, 'cancelled'], 'deleted', id]);
    const over = createTutorial(sessions, 'sess_y');
    sessions.completeSession(over);
    sessions.deleteSession(over);
    expect(seen.slice(3)).toEqual([over]);
  });

  it('forgets the session at once, and its events with settled', async () => {
    const { sessions, log } = await open();
    const id = createTutorial(sessions, 'sess_x');
    const { closed, open: release } = gate();
    log.gate = closed;
    await turn();
    sessions.deleteSession(id);
    expect(sessions.getSession(id)).toBeUndefined();
    expect(() => createTutorial(sessions, 'sess_x')).toThrow(refused('SESSION_EXISTS'));
    const gone = sessions.settled(id);
    release();
    await gone;
    expect(await log.sessionIds()).toEqual([]);
    expect(createTutorial(sessions, 'sess_x')).toBe('sess_x');
    await sessions.settled(id);
    expect(sessions.getSession(id)?.version).toBe(1);
  });
});

describe('closing', () => {
  it('waits for what is on its way and refuses what comes later', async () => {
    const { sessions, log, clock } = await open();
    const id = createTutorial(sessions);
    await sessions.close();
    expect(log.events(id)).toHaveLength(1);
    expect(clock.pending).toBe(0);
    expect(() => sessions.advanceWorkflow(id)).toThrow(refused('SHUTTING_DOWN'));
    expect(sessions.getSession(id)?.state).toBe('active');
  });
});
