import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/ports/clock.ts';
import { backend, envelope, frontend, orchestrator, type RunningBus, startBus } from '../support/running-bus.ts';
import type { Frame } from '../support/socket-client.ts';

const qa = 'claude-code://qa';

afterEach(() => vi.restoreAllMocks());

/** What the bus tells of refusals by guards. */
function trips(bus: RunningBus): Frame[] {
  const told: Frame[] = [];
  bus.bus.on('guard_tripped', (trip) => told.push(trip));
  return told;
}

async function metric(bus: RunningBus, guard: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${bus.port}/metrics`, { headers: { 'x-agent-api-key': 'bus-key' } });
  const line = new RegExp(`^agent_bus_guard_trips_total\\{guard="${guard}"\\} (\\d+)$`, 'm');
  return Number(line.exec(await response.text())?.[1]);
}

const reply = (id: string, from: string, to: string, in_reply_to: string, more: object = {}) =>
  envelope(id, from, to, { message_type: 'task_response', metadata: { in_reply_to }, ...more });

describe('a chain of replies', () => {
  it('goes on to the limit and not beyond', async () => {
    const bus = await startBus({ maxHops: 3 });
    const told = trips(bus);
    await bus.register(orchestrator);
    await bus.register(backend);
    await bus.send(envelope('m1', orchestrator, backend));
    await bus.send(reply('m2', backend, orchestrator, 'm1'));
    await bus.send(reply('m3', orchestrator, backend, 'm2'));
    const refused = await bus.send(reply('m4', backend, orchestrator, 'm3'));
    expect(refused).toMatchObject({ status: 409, body: { code: 'HOP_LIMIT', retryable: false } });
    expect(await bus.ledger('m4')).toBeUndefined();
    expect(told).toEqual([
      expect.objectContaining({ guard: 'hops', code: 'HOP_LIMIT', sender: backend, message_id: 'm4' }),
    ]);
    expect(await metric(bus, 'hops')).toBe(1);
    // Nothing else is hurt: the two go on with another chain, and what was taken in is answered again.
    expect((await bus.send(reply('m5', backend, orchestrator, 'm1'))).status).toBe(202);
    expect((await bus.send(reply('m3', orchestrator, backend, 'm2'))).body.duplicate).toBe(true);
  });

  it('has its length from the ledger also where the messages have ended', async () => {
    const bus = await startBus({ maxHops: 2 });
    const agent = await bus.connect(backend);
    await bus.register(orchestrator);
    await bus.send(envelope('m1', orchestrator, backend));
    await agent.envelope('m1');
    agent.send(reply('m2', backend, orchestrator, 'm1'));
    await bus.untilStatus('m1', 'acknowledged');
    expect((await bus.send(reply('m3', orchestrator, backend, 'm2'))).body.code).toBe('HOP_LIMIT');
  });

  it('is none of those who take no part in it: a message between others is like none', async () => {
    const bus = await startBus();
    for (const agent of [orchestrator, backend, frontend, qa]) await bus.register(agent);
    await bus.send(envelope('m1', orchestrator, backend));
    await bus.send(reply('m2', frontend, qa, 'm1'));
    expect((await bus.ledger('m2')).envelope.metadata.bus.hop).toBe(1);
    // Who was given it may turn to another, and that one to whoever sent it.
    await bus.send(reply('m3', backend, frontend, 'm1'));
    await bus.send(reply('m4', frontend, orchestrator, 'm3'));
    expect((await bus.ledger('m4')).envelope.metadata.bus.hop).toBe(3);
  });

  it('is not stopped where the limit is 0', async () => {
    const bus = await startBus({ maxHops: 0 });
    await bus.register(backend);
    for (let hop = 1; hop <= 40; hop++) {
      const sent = hop === 1 ? envelope('m1', backend, backend) : reply(`m${hop}`, backend, backend, `m${hop - 1}`);
      expect((await bus.send(sent)).status).toBe(202);
    }
    expect((await bus.ledger('m40')).envelope.metadata.bus.hop).toBe(40);
  });
});

describe('the rate of two agents', () => {
  it('ends at the limit of a minute, whatever ids they leave out, and hurts no others', async () => {
    const bus = await startBus({ maxPairRate: 3 });
    const told = trips(bus);
    for (const agent of [orchestrator, backend, frontend]) await bus.register(agent);
    const flood = await Promise.all(
      Array.from({ length: 5 }, (_, index) => bus.send(envelope(`m${index}`, orchestrator, backend))),
    );
    expect(flood.filter(({ status }) => status === 202)).toHaveLength(3);
    const refused = flood.find(({ status }) => status === 429);
    expect(refused?.body).toMatchObject({ code: 'PAIR_RATE_LIMITED', retryable: true });
    expect((await bus.agent(backend)).queued).toBe(3);
    expect(told.map(({ guard }) => guard)).toEqual(['pair_rate', 'pair_rate']);
    expect(await metric(bus, 'pair_rate')).toBe(2);
    for (const [from, to] of [
      [backend, orchestrator],
      [orchestrator, frontend],
      [frontend, backend],
    ] as const) {
      expect((await bus.send(envelope(`${from}-${to}`.replaceAll('/', ''), from, to))).status).toBe(202);
    }
  });

  it('is told with the seconds until it begins anew, and begins anew then', async () => {
    const bus = await startBus({ maxPairRate: 1 });
    await bus.register(backend);
    const begun = Date.now();
    const now = vi.spyOn(systemClock, 'now').mockReturnValue(begun);
    await bus.send(envelope('m1', orchestrator, backend));
    now.mockReturnValue(begun + 20_000);
    const response = await fetch(`http://127.0.0.1:${bus.port}/messages/send`, {
      method: 'POST',
      headers: { 'x-agent-api-key': 'bus-key', 'content-type': 'application/json' },
      body: JSON.stringify(envelope('m2', orchestrator, backend)),
    });
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '40']);
    now.mockReturnValue(begun + 60_000);
    expect((await bus.send(envelope('m2', orchestrator, backend))).status).toBe(202);
  });

  it('counts what was taken in, not what was refused, and answers repeats', async () => {
    const bus = await startBus({ maxPairRate: 1 });
    await bus.register(backend);
    const sender = { agent_id: orchestrator, session_id: 'nowhere' };
    for (let turn = 0; turn < 3; turn++) {
      expect((await bus.send(envelope('m0', orchestrator, backend, { sender }))).body.code).toBe('SESSION_NOT_FOUND');
    }
    expect((await bus.send(envelope('m1', orchestrator, backend))).status).toBe(202);
    expect((await bus.send(envelope('m1', orchestrator, backend))).body.duplicate).toBe(true);
    expect((await bus.send(envelope('m2', orchestrator, backend))).body.code).toBe('PAIR_RATE_LIMITED');
  });

  it('counts heartbeats for an agent, and none for the bus', async () => {
    const bus = await startBus({ maxPairRate: 1 });
    await bus.register(backend);
    const beat = (id: string, to: string) => bus.send(envelope(id, orchestrator, to, { message_type: 'heartbeat' }));
    expect((await beat('h1', backend)).status).toBe(202);
    expect((await beat('h2', backend)).body.code).toBe('PAIR_RATE_LIMITED');
    for (const id of ['h3', 'h4']) expect((await beat(id, 'bus://agent-bus')).status).toBe(202);
  });
});

describe('a session', () => {
  const inSession = (session_id: string, id: string, from: string, to: string) =>
    envelope(id, from, to, { sender: { agent_id: from, session_id }, message_type: 'status_update' });

  it('takes as many messages a minute as it may, from all its agents together, and hurts no other session', async () => {
    const bus = await startBus({ maxSessionRate: 3 });
    const told = trips(bus);
    const [busy, calm] = [0, 1].map(() =>
      bus.bus.sessionManager.createSession(orchestrator, [{ agent_id: backend }, { agent_id: frontend }]),
    ) as [string, string];
    const send = (id: string, session: string, from: string, to: string) => bus.send(inSession(session, id, from, to));
    await send('m1', busy, orchestrator, backend);
    // Two copies for the other two would be one too many: neither gets one.
    await send('m2', busy, backend, frontend);
    const broadcast = { ...inSession(busy, 'b1', orchestrator, ''), recipient: { session_id: busy } };
    expect((await bus.send(broadcast)).body.code).toBe('SESSION_RATE_LIMITED');
    await send('m3', busy, frontend, orchestrator);
    const refused = await send('m4', busy, frontend, backend);
    expect(refused).toMatchObject({ status: 429, body: { code: 'SESSION_RATE_LIMITED' } });
    expect((await send('m5', calm, frontend, backend)).status).toBe(202);
    expect((await bus.send(envelope('m6', frontend, backend))).status).toBe(202);
    expect(told.map(({ guard, sessionId }) => [guard, sessionId])).toEqual([
      ['session_rate', busy],
      ['session_rate', busy],
    ]);
    const { body } = await bus.call('GET', `/sessions/${busy}/messages`);
    expect(body.items.map((item: Frame) => item.message_id)).toEqual(['m1', 'm2', 'm3']);
  });

  it('loses nothing of its rate to one who takes no part in it', async () => {
    const bus = await startBus({ maxSessionRate: 1 });
    const id = bus.bus.sessionManager.createSession(orchestrator, [{ agent_id: backend }]);
    for (const message of ['m1', 'm2']) {
      expect((await bus.send(inSession(id, message, qa, backend))).body.code).toBe('NOT_A_PARTICIPANT');
    }
    expect((await bus.send(inSession(id, 'm3', orchestrator, backend))).status).toBe(202);
  });

  it('with a budget takes no message behind it, over either door, and tells so once for each', async () => {
    const bus = await startBus();
    const told = trips(bus);
    const created = await bus.call('POST', '/sessions', {
      orchestrator,
      participants: [{ agent_id: backend }],
      message_budget: 2,
    });
    const { session_id: id } = created.body;
    expect(created.body.session).toMatchObject({ message_budget: 2, messages_used: 0 });
    const lead = await bus.connect(orchestrator);
    for (const message of ['m1', 'm2']) await bus.send(inSession(id, message, orchestrator, backend));
    expect(await bus.send(inSession(id, 'm3', orchestrator, backend))).toMatchObject({
      status: 409,
      body: { code: 'BUDGET_EXHAUSTED', retryable: false },
    });
    lead.send(inSession(id, 'm4', orchestrator, backend));
    expect(await lead.type('rejected')).toMatchObject({ message_id: 'm4', code: 'BUDGET_EXHAUSTED' });
    expect((await bus.send(inSession(id, 'm2', orchestrator, backend))).body.duplicate).toBe(true);
    expect(bus.session(id)?.messages_used).toBe(2);
    expect((await bus.agent(backend)).queued).toBe(2);
    expect(told.map(({ guard, message_id }) => [guard, message_id])).toEqual([
      ['message_budget', 'm3'],
      ['message_budget', 'm4'],
    ]);
    expect(await metric(bus, 'message_budget')).toBe(2);
  });
});
