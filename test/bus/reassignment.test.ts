import { describe, expect, it, onTestFinished } from 'vitest';
import { Bus } from '../../src/bus/bus.ts';
import { operator } from '../../src/bus/identity.ts';
import { completeEnvelope } from '../../src/core/delivery/envelope.ts';
import type { MailboxStore } from '../../src/ports/mailbox-store.ts';
import type { Store } from '../../src/ports/store.ts';
import type { Receipt } from '../../src/protocol/types.gen.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { ManualClock } from '../support/manual-clock.ts';
import {
  backend,
  envelope,
  frontend,
  orchestrator,
  type RunningBus,
  startBus,
  waiting,
} from '../support/running-bus.ts';

const qa = 'claude-code://qa';
const steps = [{ name: 'build', required_agents: [backend] }];

function createSession(bus: RunningBus): string {
  return bus.bus.sessionManager.createSession(orchestrator, [{ agent_id: backend, role: 'dev' }], steps);
}

const request = (id: string, session_id: string, routing: object) =>
  envelope(id, orchestrator, backend, { sender: { agent_id: orchestrator, session_id }, routing });

const answer = (id: string, from: string, session_id: string, in_reply_to: string) =>
  envelope(id, from, orchestrator, {
    message_type: 'task_response',
    sender: { agent_id: from, session_id },
    metadata: { in_reply_to },
  });

describe('the task of a message that goes on to a fallback', () => {
  it('is completed by the fallback; what the agent before says afterwards is late', async () => {
    const bus = await startBus();
    const sessionId = createSession(bus);
    const [first, second] = [await bus.connect(backend), await bus.connect(frontend)];
    const { body } = await bus.send(request('m1', sessionId, { fallback_agents: [frontend] }));
    await first.envelope('m1');
    first.send({ type: 'nack', message_id: 'm1', requeue: false, reason: 'busy' });
    await second.envelope('m1');
    const task = () => bus.bus.sessionManager.getTaskDelegation(body.task.task_id, sessionId);
    expect(task()).toMatchObject({ delegatee: frontend, stands_in_for: backend, status: 'pending' });
    first.send(answer('r1', backend, sessionId, 'm1'));
    await first.receipt('r1');
    expect(task()).toMatchObject({ status: 'pending', late: [{ message_id: 'r1' }] });
    expect((await bus.ledger('m1')).status).toBe('offered');
    second.send(answer('r2', frontend, sessionId, 'm1'));
    await second.receipt('r2');
    expect(task()?.status).toBe('completed');
    expect(bus.session(sessionId)?.workflow.completed_steps).toEqual(['build']);
    await bus.untilStatus('m1', 'acknowledged');
    const { body: events } = await bus.call('GET', `/sessions/${sessionId}/events`);
    expect(events.items.map((one: { type: string }) => one.type)).toEqual([
      'session_created',
      'message_recorded',
      'task_delegated',
      'task_reassigned',
      'message_recorded',
      'task_answered_late',
      'message_recorded',
      'task_updated',
      'step_completed',
      'workflow_advanced',
    ]);
  });

  it('belongs to the step of the agent that was asked where the fallback got it at once', async () => {
    const bus = await startBus({ offlineGrace: 1 });
    const sessionId = createSession(bus);
    const agent = await bus.connect(frontend);
    const { body } = await bus.send(request('m1', sessionId, { fallback_agents: [frontend] }));
    expect(body).toMatchObject({ recipient: { agent_id: frontend }, task: { step: 'build' } });
    expect((await bus.send(request('m1', sessionId, { fallback_agents: [frontend] }))).body.task).toEqual(body.task);
    agent.send(answer('r1', frontend, sessionId, 'm1'));
    await agent.receipt('r1');
    expect(bus.session(sessionId)?.workflow.completed_steps).toEqual(['build']);
  });

  it('ends, where it is cancelled, for the fallback that has it', async () => {
    const bus = await startBus();
    const sessionId = createSession(bus);
    const [first, second] = [await bus.connect(backend), await bus.connect(frontend)];
    await bus.send(request('m1', sessionId, { fallback_agents: [frontend] }));
    await first.envelope('m1');
    first.send({ type: 'nack', message_id: 'm1', requeue: false });
    await second.envelope('m1');
    await bus.call('POST', `/sessions/${sessionId}/terminate`, { reason: 'stopped' });
    expect((await second.envelope()).payload.code).toBe('TASK_CANCELLED');
    await first.roundTrip();
    expect(first.unread).toEqual([]);
  });
});

describe('a request whose time is up while a fallback is left', () => {
  const routing = { timeout: '150ms', fallback_agents: [frontend, qa] };

  it('goes to the next one with as much time again; after the last, it and its task are over', async () => {
    const bus = await startBus();
    const sessionId = createSession(bus);
    for (const id of [frontend, qa]) await bus.register(id);
    const sender = await bus.connect(orchestrator);
    const { body } = await bus.send(request('m1', sessionId, routing));
    const { deadline: first } = await bus.ledger('m1');
    expect((await sender.envelope()).payload).toMatchObject({ message_id: 'm1', recipient: qa, reason: 'expired' });
    const { attempts, deadline } = await bus.ledger('m1');
    expect(attempts).toEqual([]);
    expect(Date.parse(deadline) - Date.parse(first)).toBeGreaterThanOrEqual(2 * 150);
    const task = bus.bus.sessionManager.getTaskDelegation(body.task.task_id, sessionId);
    expect(task).toMatchObject({ status: 'timeout', delegatee: qa, deadline, former_delegatees: [backend, frontend] });
    const { items } = (await bus.call('GET', `/sessions/${sessionId}/events`)).body;
    const ends = items.filter((one: { type: string }) => ['task_reassigned', 'task_updated'].includes(one.type));
    expect(ends.map((one: { type: string }) => one.type)).toEqual([
      'task_reassigned',
      'task_reassigned',
      'task_updated',
    ]);
    expect(items.find((one: { type: string }) => one.type === 'task_reassigned').data.reason).toBe('fallback: expired');
  });

  it('and has been acked, ends as a timeout: nobody else gets it', async () => {
    const bus = await startBus();
    const sessionId = createSession(bus);
    await bus.register(frontend);
    const agent = await bus.connectPlain(backend);
    const { body } = await bus.send(request('m1', sessionId, routing));
    await agent.envelope('m1');
    await bus.untilStatus('m1', 'acknowledged');
    const task = () => bus.bus.sessionManager.getTaskDelegation(body.task.task_id, sessionId);
    await expect.poll(() => task()?.status, waiting).toBe('timeout');
    expect(task()).toMatchObject({ delegatee: backend, status: 'timeout' });
    expect((await bus.ledger('m1')).recipient_agent_id).toBe(backend);
  });

  it('and is still held by its agent, goes on when that does not ack', async () => {
    const bus = await startBus({ ackTimeout: 400 });
    const sessionId = createSession(bus);
    const [first, second] = [await bus.connect(backend), await bus.connect(frontend)];
    const { body } = await bus.send(request('m1', sessionId, { ...routing, retry_policy: { max_retries: 9 } }));
    await first.envelope('m1');
    await second.envelope('m1');
    const task = bus.bus.sessionManager.getTaskDelegation(body.task.task_id, sessionId);
    expect(task).toMatchObject({ status: 'pending', delegatee: frontend });
  });

  it('is waited for by a sync sender until the last of them has had its time', async () => {
    const bus = await startBus();
    const [, second] = [await bus.register(backend), await bus.connect(frontend)];
    const sync = { ...routing, fallback_agents: [frontend], delivery_mode: 'sync' };
    const asking = bus.send(envelope('m1', orchestrator, backend, { routing: sync }));
    await second.envelope('m1');
    second.send(
      envelope('r1', frontend, orchestrator, { message_type: 'task_response', metadata: { in_reply_to: 'm1' } }),
    );
    expect(await asking).toMatchObject({ status: 200, body: { reply: { message_id: 'r1' } } });
    const unanswered = bus.send(envelope('m2', orchestrator, backend, { routing: { ...sync, fallback_agents: [qa] } }));
    await bus.register(qa);
    expect((await unanswered).body.code).toBe('REPLY_TIMEOUT');
    const begun = Date.now();
    const longer = { ...sync, timeout: '400ms', fallback_agents: [qa] };
    const twice = await bus.send(envelope('m3', orchestrator, backend, { routing: longer }));
    expect(twice.body.code).toBe('REPLY_TIMEOUT');
    expect(Date.now() - begun).toBeGreaterThanOrEqual(2 * 400);
  });
});

describe('a bus that goes down between the task and its message', () => {
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

  async function open(store: Store, clock: ManualClock): Promise<Bus> {
    const bus = await Bus.open({
      store,
      clock,
      apiKey: 'key',
      messageTimeoutMs: 300_000,
      ackTimeoutMs: 30_000,
      offlineGraceMs: 10_000,
      sessionTimeoutMs: 86_400_000,
      retentionMs: 86_400_000,
      autoAdvance: true,
      rateLimit: 0,
      maxHops: 32,
      maxPairRate: 0,
      maxSessionRate: 0,
      onError: (error) => expect.fail(String(error)),
    });
    onTestFinished(() => bus.close());
    return bus;
  }

  /** The store of a bus that dies before it moves a message. */
  function losingReroutes(store: Store): Store {
    const mailboxes = new Proxy(store.mailboxes, {
      get(target, name: keyof MailboxStore) {
        const method = target[name];
        // Only the end of the test ends its waiting.
        const lost = () => new Promise<boolean>((resolve) => onTestFinished(() => resolve(true)));
        return name === 'reroute' ? lost : method.bind(target);
      },
    });
    return { ...store, mailboxes };
  }

  async function setUp() {
    const clock = new ManualClock();
    const store = createMemoryStore({ clock, random: () => 0 });
    const before = await open(losingReroutes(store), clock);
    for (const agent_id of [backend, frontend, qa]) before.sessions.createSession({ participants: [{ agent_id }] });
    const session_id = before.sessions.createSession(orchestrator, [{ agent_id: backend, role: 'dev' }], steps);
    const sent = request('m1', session_id, { fallback_agents: [frontend, qa] });
    const receipt = (await before
      .workspace('default')
      .messages.send({ envelope: sent, principal: operator })) as Receipt;
    await before.workspace('default').messages.pull(backend, { max: 1, waitMs: 0 }, new AbortController().signal);
    await before.workspace('default').messages.nack(backend, 'm1', { giveUp: true });
    const task = (bus: Bus) => bus.sessions.getTaskDelegation(receipt.task?.task_id ?? '', session_id);
    await expect.poll(() => task(before)?.delegatee).toBe(frontend);
    expect((await store.mailboxes.find('m1'))?.mailbox).toBe(backend);
    await before.sessions.settled(session_id);
    return { clock, store, session_id, task };
  }

  it('moves the message after the start, and the task is with whoever has it', async () => {
    const { clock, store, session_id, task } = await setUp();
    const after = await open(store, clock);
    await expect.poll(async () => (await store.mailboxes.find('m1'))?.mailbox).toBe(frontend);
    expect(task(after)?.delegatee).toBe(frontend);
    const { envelope: reply } = completeEnvelope(answer('r1', frontend, session_id, 'm1'), {
      messageId: 'r1',
      timestamp: '2025-02-02T11:00:00Z',
      timeout: '5m',
    });
    await after.workspace('default').messages.send({ envelope: reply as never, principal: operator });
    expect(task(after)?.status).toBe('completed');
  });

  it('gives the task to another one where that is online then', async () => {
    const { clock, store, task } = await setUp();
    const offline = store.agents.all;
    store.agents.all = async () => (await offline.call(store.agents)).filter(([id]) => id !== frontend);
    const sessions = await store.sessions.sessionIds();
    for (const id of sessions) {
      const [created] = await store.sessions.read(id, 0, 1);
      if (created?.type === 'session_created' && created.data.participants[0]?.agent_id === frontend)
        await store.sessions.remove(id);
    }
    const after = await open(store, clock);
    await expect.poll(async () => (await store.mailboxes.find('m1'))?.mailbox).toBe(qa);
    expect(task(after)).toMatchObject({
      delegatee: qa,
      stands_in_for: backend,
      former_delegatees: [backend, frontend],
    });
  });

  /** The task of a message that is given up, and acked at the moment at which its task has been told of it. */
  async function ackedTooLate(event: 'task_reassigned' | 'task_updated', more: object) {
    const clock = new ManualClock();
    const store = createMemoryStore({ clock, random: () => 0 });
    const bus = await open(store, clock);
    for (const agent_id of [backend, frontend]) bus.sessions.createSession({ participants: [{ agent_id }] });
    const session_id = bus.sessions.createSession(orchestrator, [{ agent_id: backend, role: 'dev' }], steps);
    const { messages } = bus.workspace('default');
    const sent = request('m1', session_id, more);
    const { task } = (await messages.send({ envelope: sent, principal: operator })) as Receipt;
    await messages.pull(backend, { max: 1, waitMs: 0 }, new AbortController().signal);
    const acks: Promise<unknown>[] = [];
    bus.sessions.once(event, () => acks.push(store.mailboxes.ack(backend, ['m1'])));
    await messages.nack(backend, 'm1', { giveUp: true });
    expect(await Promise.all(acks)).toEqual([[undefined]]);
    await turn();
    return { store, task: () => bus.sessions.getTaskDelegation(task?.task_id ?? '', session_id) };
  }

  it('takes the task to the fallback, whatever the agent before acks while the message is on its way', async () => {
    const { store, task } = await ackedTooLate('task_reassigned', { fallback_agents: [frontend] });
    expect(task()).toMatchObject({ delegatee: frontend, former_delegatees: [backend], status: 'pending' });
    expect(await store.mailboxes.find('m1')).toMatchObject({ mailbox: frontend, status: 'queued' });
  });

  it('ends message and task together, and tells the sender, whatever the agent acks meanwhile', async () => {
    const { store, task } = await ackedTooLate('task_updated', {});
    expect(task()?.status).toBe('failed');
    await expect.poll(async () => (await store.mailboxes.find('m1'))?.status).toBe('dead');
    expect(store.mailboxes.stats(orchestrator)).toMatchObject({ queued: 1 });
  });
});
