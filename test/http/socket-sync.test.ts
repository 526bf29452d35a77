import { describe, expect, it } from 'vitest';
import {
  backend,
  envelope,
  frontend,
  orchestrator,
  type RunningBus,
  startBus,
  waiting,
} from '../support/running-bus.ts';
import type { Frame } from '../support/socket-client.ts';

const sync = (timeout: string, more: object = {}) => ({ routing: { delivery_mode: 'sync', timeout }, ...more });
const reply = (id: string, from: string, more: object = {}) =>
  envelope(id, from, orchestrator, { message_type: 'task_response', ...more });
const replyTo = (request: string) => ({ metadata: { in_reply_to: request } });

/** Sends, and lets the request get to the agent before the promise of its answer is handed out. */
async function ask(bus: RunningBus, request: Frame, signal?: AbortSignal) {
  const url = `http://127.0.0.1:${bus.port}/messages/send`;
  const headers = { 'x-agent-api-key': 'bus-key', 'content-type': 'application/json' };
  const answer = fetch(url, { method: 'POST', headers, body: JSON.stringify(request), ...(signal && { signal }) }).then(
    async (response) => ({ status: response.status, body: (await response.json()) as Frame }),
  );
  answer.catch(() => undefined);
  return { answer };
}

describe('a sync request over HTTP', () => {
  it('is answered with 200 and the reply that names it, which is nowhere else', async () => {
    const bus = await startBus();
    const caller = await bus.connect(orchestrator);
    const agent = await bus.connect(backend);
    const { answer } = await ask(bus, envelope('q1', orchestrator, backend, sync('5s')));
    await agent.envelope('q1');
    agent.send(reply('r1', backend, { ...replyTo('q1'), payload: 42 }));
    expect(await answer).toMatchObject({
      status: 200,
      body: { message_id: 'q1', reply: { message_id: 'r1', payload: 42 } },
    });
    await caller.roundTrip();
    expect(caller.unread).toEqual([]);
    expect(await bus.agent(orchestrator)).toMatchObject({ queued: 0, in_flight: 0 });
    expect(await bus.ledger('r1')).toMatchObject({ status: 'acknowledged', recipient_agent_id: orchestrator });
  });

  it('is answered with 504 when its time is over, and a later reply is ordinary mail', async () => {
    const bus = await startBus();
    const caller = await bus.connect(orchestrator);
    const agent = await bus.connect(backend);
    const { answer } = await ask(bus, envelope('q1', orchestrator, backend, sync('100ms')));
    await agent.envelope('q1');
    expect(await answer).toMatchObject({ status: 504, body: { code: 'REPLY_TIMEOUT' } });
    agent.send(reply('r1', backend, replyTo('q1')));
    await caller.envelope('r1');
  });

  it('takes a reply without a name for the oldest one that is open', async () => {
    const bus = await startBus();
    const agent = await bus.connect(backend);
    const first = await ask(bus, envelope('q1', orchestrator, backend, sync('5s')));
    await agent.envelope('q1');
    const second = await ask(bus, envelope('q2', orchestrator, backend, sync('5s')));
    await agent.envelope('q2');
    agent.send(reply('r1', backend));
    agent.send(reply('r2', backend));
    expect((await first.answer).body.reply.message_id).toBe('r1');
    expect((await second.answer).body.reply.message_id).toBe('r2');
  });

  it('inside a session is answered by the answer to its task', async () => {
    const bus = await startBus();
    const session_id = bus.bus.sessionManager.createSession(orchestrator, [{ agent_id: backend, role: 'dev' }], []);
    // The same task id in an older session must not be mistaken for it.
    const other = bus.bus.sessionManager.createSession({
      orchestrator,
      sessionId: 'a-first',
      participants: [{ agent_id: frontend, role: 'dev' }],
    });
    const elsewhere = { sender: { agent_id: orchestrator, session_id: other }, metadata: { task_id: 't1' } };
    await bus.send(envelope('q0', orchestrator, frontend, elsewhere));
    const agent = await bus.connect(backend);
    const inSession = { sender: { agent_id: orchestrator, session_id }, metadata: { task_id: 't1' } };
    const { answer } = await ask(bus, envelope('q1', orchestrator, backend, sync('5s', inSession)));
    await agent.envelope('q1');
    agent.send(reply('r1', backend, { sender: { agent_id: backend, session_id }, metadata: { task_id: 't1' } }));
    expect((await answer).body).toMatchObject({ reply: { message_id: 'r1' }, task: { task_id: 't1', session_id } });
    expect(bus.bus.sessionManager.getTaskDelegation('t1', session_id)?.status).toBe('completed');
  });

  it('is answered also where its sender is no agent that the bus knows', async () => {
    const bus = await startBus();
    const agent = await bus.connect(backend);
    const { answer } = await ask(bus, envelope('q1', 'curl://me', backend, sync('5s')));
    await agent.envelope('q1');
    agent.send(envelope('r1', backend, 'curl://me', { message_type: 'task_response', ...replyTo('q1') }));
    expect((await answer).body.reply.message_id).toBe('r1');
    agent.send(envelope('r2', backend, 'curl://me'));
    expect(await agent.type('rejected')).toMatchObject({ message_id: 'r2', code: 'AGENT_NOT_FOUND' });
  });

  it('is answered by nobody but the agent that was asked', async () => {
    const bus = await startBus();
    const agent = await bus.connect(backend);
    const caller = await bus.connect(orchestrator);
    const { answer } = await ask(bus, envelope('q1', orchestrator, backend, sync('5s')));
    await agent.envelope('q1');
    await bus.send(reply('r0', frontend, replyTo('q1')));
    await caller.envelope('r0');
    agent.send(reply('r1', backend, replyTo('q1')));
    expect((await answer).body.reply.message_id).toBe('r1');
  });

  it('to a capability is answered by whoever got it', async () => {
    const bus = await startBus();
    await bus.register(backend, 'review');
    const agent = await bus.connect(backend);
    const request = envelope('q1', orchestrator, backend, sync('5s', { recipient: { capability: 'review' } }));
    const { answer } = await ask(bus, request);
    await agent.envelope('q1');
    agent.send(reply('r1', backend, replyTo('q1')));
    expect(await answer).toMatchObject({ status: 200, body: { reply: { message_id: 'r1' } } });
  });

  it('that a fallback got is answered by the fallback, also where it got it later', async () => {
    const bus = await startBus();
    const [agent, fallback] = [await bus.connect(backend), await bus.connect(frontend)];
    const routing = { delivery_mode: 'sync', timeout: '5s', fallback_agents: [frontend] };
    const { answer } = await ask(bus, envelope('q1', orchestrator, backend, { routing }));
    await agent.envelope('q1');
    agent.send({ type: 'nack', message_id: 'q1', requeue: false });
    await fallback.envelope('q1');
    fallback.send(reply('r1', frontend, replyTo('q1')));
    expect((await answer).body.reply.message_id).toBe('r1');
  });

  it('that is repeated waits beside the first one, and the reply goes to both', async () => {
    const bus = await startBus();
    const agent = await bus.connect(backend);
    const impatient = new AbortController();
    const { answer: first } = await ask(bus, envelope('q1', orchestrator, backend, sync('5s')), impatient.signal);
    await agent.envelope('q1');
    const { answer: second } = await ask(bus, envelope('q1', orchestrator, backend, sync('5s')));
    const { answer: third } = await ask(bus, envelope('q1', orchestrator, backend, sync('5s')));
    expect(await bus.send(envelope('q1', orchestrator, backend, sync('4s')))).toMatchObject({ status: 409 });
    impatient.abort();
    await expect(first).rejects.toThrow();
    await bus.call('GET', '/agents');
    agent.send(reply('r1', backend, replyTo('q1')));
    expect((await second).body).toMatchObject({ duplicate: true, reply: { message_id: 'r1' } });
    expect((await third).body.reply.message_id).toBe('r1');
  });

  it('whose caller goes away leaves the reply in the mailbox', async () => {
    const bus = await startBus();
    await bus.register(orchestrator);
    const agent = await bus.connect(backend);
    const gone = new AbortController();
    await ask(bus, envelope('q1', orchestrator, backend, sync('5s')), gone.signal);
    await agent.envelope('q1');
    gone.abort();
    await new Promise((resolve) => setTimeout(resolve, 50));
    agent.send(reply('r1', backend, replyTo('q1')));
    await agent.receipt('r1');
    const caller = await bus.connect(orchestrator);
    await caller.envelope('r1');
  });
});

describe('a sync request over the socket', () => {
  it('is accepted together with its reply, which does not come twice', async () => {
    const bus = await startBus();
    const [caller, agent] = [await bus.connect(orchestrator), await bus.connect(backend)];
    caller.send(envelope('q1', orchestrator, backend, sync('5s')));
    await agent.envelope('q1');
    agent.send(reply('r1', backend, replyTo('q1')));
    expect(await caller.receipt('q1')).toMatchObject({ reply: { message_id: 'r1' } });
    await caller.roundTrip();
    expect(caller.unread).toEqual([]);
  });

  it('is rejected when its time is over', async () => {
    const bus = await startBus();
    const [caller] = [await bus.connect(orchestrator), await bus.connect(backend)];
    caller.send(envelope('q1', orchestrator, backend, sync('80ms')));
    expect(await caller.type('rejected')).toMatchObject({ message_id: 'q1', code: 'REPLY_TIMEOUT', retryable: true });
  });

  it('does not keep its socket from sending, however many wait', async () => {
    const bus = await startBus();
    const [caller] = [await bus.connect(orchestrator), await bus.connect(backend)];
    for (let i = 0; i < 2_000; i++) caller.send(envelope(`q${i}`, orchestrator, backend, sync('5s')));
    caller.send(envelope('m1', orchestrator, backend));
    caller.send(envelope('m2', orchestrator, backend));
    await caller.receipt('m2');
  });

  it('leaves the reply in the mailbox when its socket has closed', async () => {
    const bus = await startBus();
    const [caller, agent] = [await bus.connect(orchestrator), await bus.connect(backend)];
    caller.send(envelope('q1', orchestrator, backend, sync('5s')));
    await agent.envelope('q1');
    await caller.close();
    await expect.poll(async () => (await bus.agent(orchestrator)).online, waiting).toBe(false);
    agent.send(reply('r1', backend, replyTo('q1')));
    await agent.receipt('r1');
    const again = await bus.connect(orchestrator);
    await again.envelope('r1');
  });
});
