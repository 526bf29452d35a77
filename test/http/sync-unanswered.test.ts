// A sync request that ends without an answer: whoever waits is told then, and not when its time is over.
import { describe, expect, it } from 'vitest';
import { backend, envelope, frontend, orchestrator, type RunningBus, startBus } from '../support/running-bus.ts';
import type { Frame, SocketClient } from '../support/socket-client.ts';

const sessionId = 's1';

/** Longer than any test runs: who is told at all is told before. */
const routing = { delivery_mode: 'sync', timeout: '10m' };

const request = (more: object = {}) =>
  envelope('q1', orchestrator, backend, {
    sender: { agent_id: orchestrator, session_id: sessionId },
    metadata: { task_id: 't1' },
    routing,
    ...more,
  });

async function start() {
  const bus = await startBus();
  bus.bus.sessionManager.createSession({ sessionId, orchestrator, participants: [{ agent_id: backend }] });
  return { bus, agent: await bus.connect(backend) };
}

const doors: Readonly<Record<string, (bus: RunningBus, sent: Frame) => Promise<Frame>>> = {
  'over HTTP': async (bus, sent) => (await bus.send(sent)).body,
  'in a batch': async (bus, sent) => (await bus.call('POST', '/messages/batch', { messages: [sent] })).body.items[0],
  'over the socket': async (bus, sent) => {
    const caller = await bus.connect(orchestrator);
    caller.send(sent);
    return caller.type('rejected');
  },
};

const nack = (agent: SocketClient) => agent.send({ type: 'nack', message_id: 'q1', requeue: false, reason: 'busy' });

const endings: readonly [how: string, why: string, end: (bus: RunningBus, agent: SocketClient) => unknown][] = [
  ['is given up by its agent', 'given up: busy', (_bus, agent) => nack(agent)],
  [
    'is of an agent that leaves the session',
    'task cancelled',
    ({ bus }) => bus.sessionManager.removeParticipant(sessionId, backend),
  ],
  [
    'is of a task that is cancelled',
    'task cancelled',
    ({ bus }) => bus.sessionManager.updateTaskStatus(sessionId, 't1', 'cancelled'),
  ],
  [
    'is of a task that is completed by hand',
    'task completed',
    ({ bus }) => bus.sessionManager.updateTaskStatus(sessionId, 't1', 'completed'),
  ],
  [
    'is of a session that is terminated',
    'task cancelled',
    ({ bus }) => bus.sessionManager.terminateSession(sessionId, { reason: 'enough' }),
  ],
];

const cases = Object.entries(doors).flatMap(([door, ask]) =>
  endings.map(([how, ...ending]) => [door, how, ask, ...ending] as const),
);

describe('a sync request', () => {
  it.each(cases)('%s that %s is refused at once', async (_door, _how, ask, why, end) => {
    const { bus, agent } = await start();
    const refusal = ask(bus, request());
    await agent.envelope('q1');
    end(bus, agent);
    expect(await refusal).toMatchObject({ code: 'NO_REPLY', error: expect.stringContaining(why) });
  });

  it('answers 502 over HTTP, which is not worth a retry', async () => {
    const { bus, agent } = await start();
    const refusal = bus.send(request());
    await agent.envelope('q1');
    nack(agent);
    expect(await refusal).toMatchObject({ status: 502, body: { code: 'NO_REPLY' } });
  });

  it('that its agent has acked, and whose task is cancelled then, is refused as well', async () => {
    const { bus, agent } = await start();
    const refusal = bus.send(request());
    await agent.envelope('q1');
    agent.ack('q1');
    await bus.untilStatus('q1', 'acknowledged');
    bus.bus.sessionManager.updateTaskStatus(sessionId, 't1', 'cancelled');
    expect((await refusal).body.code).toBe('NO_REPLY');
  });

  it('that goes on to a fallback is answered by that, and refused where that gives it up too', async () => {
    for (const takes of [true, false]) {
      const { bus, agent } = await start();
      const fallback = await bus.connect(frontend);
      const answer = bus.send(request({ routing: { ...routing, fallback_agents: [frontend] } }));
      await agent.envelope('q1');
      nack(agent);
      await fallback.envelope('q1');
      if (takes) {
        const response = { message_type: 'task_response', metadata: { in_reply_to: 'q1' } };
        const sender = { agent_id: frontend, session_id: sessionId };
        fallback.send(envelope('r1', frontend, orchestrator, { ...response, sender }));
        expect((await answer).body).toMatchObject({ reply: { message_id: 'r1' } });
      } else {
        nack(fallback);
        expect((await answer).body.code).toBe('NO_REPLY');
      }
    }
  });

  it('that is repeated when it is dead is refused with the reason', async () => {
    const { bus, agent } = await start();
    const first = bus.send(request());
    await agent.envelope('q1');
    nack(agent);
    expect((await first).body.code).toBe('NO_REPLY');
    expect((await bus.send(request())).body).toMatchObject({
      code: 'NO_REPLY',
      error: expect.stringContaining('busy'),
    });
  });
});
