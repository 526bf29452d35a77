import { describe, expect, it } from 'vitest';
import {
  backend,
  envelope,
  frontend,
  noRetries,
  orchestrator,
  type RunningBus,
  startBus,
  waiting,
} from '../support/running-bus.ts';
import type { SocketClient } from '../support/socket-client.ts';

const linear = (max_retries: number) => ({ routing: { retry_policy: { max_retries, backoff: 'linear' } } });

async function fill(bus: RunningBus, count: number, more: object = {}): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, i) => `m${String(i).padStart(3, '0')}`);
  const messages = ids.map((id) => envelope(id, orchestrator, backend, more));
  const { body } = await bus.call('POST', '/messages/batch', { messages });
  expect(body.items.every((item: { success: boolean }) => item.success)).toBe(true);
  return ids;
}

/** Unread envelopes, after everything the server had to say has arrived. */
async function held(client: SocketClient): Promise<string[]> {
  await client.roundTrip();
  return client.unread.map(({ frame }) => frame.message_id);
}

describe('the window of a socket', () => {
  it('holds at most max_in_flight offers and moves on with each ack', async () => {
    const bus = await startBus({ maxInFlight: 3 });
    await bus.register(backend);
    const ids = await fill(bus, 8);
    const client = await bus.connect(backend);
    expect(await client.envelopes(3)).toEqual(ids.slice(0, 3));
    expect(await held(client)).toEqual([]);
    client.ack('m001');
    expect(await client.envelopes(1)).toEqual(['m003']);
    expect(await held(client)).toEqual([]);
    client.ack('m000', 'm002');
    expect(await client.envelopes(2)).toEqual(['m004', 'm005']);
    expect(await held(client)).toEqual([]);
    expect(await bus.agent(backend)).toMatchObject({ queued: 2, in_flight: 3 });
  });

  it('is freed by a reply that names what it answers', async () => {
    const bus = await startBus({ maxInFlight: 1 });
    await bus.register(orchestrator);
    const client = await bus.connect(backend);
    await fill(bus, 2);
    await client.envelope('m000');
    const reply = { message_type: 'task_response', metadata: { in_reply_to: 'm000' } };
    client.send(envelope('r1', backend, orchestrator, reply));
    await client.envelope('m001');
    expect((await bus.ledger('m000')).status).toBe('acknowledged');
  });

  it('is not freed by a reply that was refused', async () => {
    const bus = await startBus({ maxInFlight: 1 });
    const client = await bus.connect(backend);
    await fill(bus, 2);
    await client.envelope('m000');
    const reply = { message_type: 'task_response', metadata: { in_reply_to: 'm000' } };
    client.send(envelope('r1', backend, 'nobody://here', reply));
    await client.type('rejected');
    expect(await held(client)).toEqual([]);
    expect((await bus.ledger('m000')).status).toBe('offered');
  });

  it('is freed by leases that end, also when nothing else happens to the mailbox', async () => {
    const bus = await startBus({ maxInFlight: 1, ackTimeout: 80 });
    const client = await bus.connect(backend);
    await fill(bus, 2, { routing: noRetries });
    await client.envelope('m000');
    await client.envelope('m001');
    expect((await bus.untilStatus('m000', 'dead')).reason).toContain('lease_expired');
  });

  it('is freed by an ack over HTTP, or on another socket of its agent once the lease has ended', async () => {
    const bus = await startBus({ maxInFlight: 1, ackTimeout: 400 });
    const client = await bus.connect(backend);
    await fill(bus, 3);
    await client.envelope('m000');
    expect((await bus.call('POST', `/agents/${backend}/messages/m000/ack`)).status).toBe(200);
    expect(await held(client)).toEqual(['m001']);
    const puller = await bus.connect(backend);
    await puller.envelope('m002');
    puller.ack('m001', 'm002');
    await bus.untilStatus('m001', 'acknowledged');
    for (const id of ['n1', 'n2']) await bus.send(envelope(id, orchestrator, backend));
    await client.envelope('m001');
    await Promise.all([client.envelope('n2'), puller.envelope('n1')]);
  });

  it('is freed by a reply that only its session ties to the request, over either door', async () => {
    const bus = await startBus({ maxInFlight: 1 });
    const client = await bus.connect(backend);
    const session_id = bus.bus.sessionManager.createSession(orchestrator, [{ agent_id: backend, role: 'dev' }], []);
    await fill(bus, 3, { sender: { agent_id: orchestrator, session_id } });
    const reply = { message_type: 'task_response', sender: { agent_id: backend, session_id } };
    await client.envelope('m000');
    client.send(envelope('r0', backend, orchestrator, reply));
    await client.envelope('m001');
    await bus.send(envelope('r1', backend, orchestrator, reply));
    await client.envelope('m002');
  });

  it('keeps a place for an offer that was extended', async () => {
    const bus = await startBus({ maxInFlight: 1, ackTimeout: 300 });
    const client = await bus.connect(backend);
    await fill(bus, 1);
    await client.envelope('m000');
    const began = Date.now();
    while (Date.now() - began < 700) {
      client.send({ type: 'extend', message_id: 'm000' });
      await client.roundTrip();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await bus.send(envelope('m001', orchestrator, backend));
    expect(await held(client)).toEqual([]);
    expect((await bus.ledger('m000')).attempts).toHaveLength(1);
    client.ack('m000');
    await client.envelope('m001');
  });
});

describe('what a socket gives back', () => {
  it('comes again after the delay it asked for', async () => {
    const bus = await startBus();
    const client = await bus.connect(backend);
    await fill(bus, 1);
    await client.envelope('m000');
    const before = Date.now();
    client.send({ type: 'nack', message_id: 'm000', delay: '120ms', reason: 'busy' });
    await client.envelope('m000');
    expect(Date.now() - before).toBeGreaterThanOrEqual(119);
    expect((await bus.ledger('m000')).attempts).toMatchObject([
      { attempt: 1, outcome: 'nacked', reason: 'busy' },
      { attempt: 2, outcome: 'open' },
    ]);
  });

  it('for good is a dead letter that its sender is told of', async () => {
    const bus = await startBus();
    const sender = await bus.connect(orchestrator);
    const client = await bus.connect(backend);
    await fill(bus, 1);
    await client.envelope('m000');
    client.send({ type: 'nack', message_id: 'm000', requeue: false, reason: 'not mine' });
    expect(await sender.envelope()).toMatchObject({
      sender: { agent_id: 'bus://agent-bus' },
      message_type: 'error',
      payload: { code: 'DELIVERY_FAILED', message_id: 'm000', recipient: backend, reason: 'given up: not mine' },
      metadata: { in_reply_to: 'm000' },
    });
    expect((await bus.call('GET', '/dead-letters')).body.items).toMatchObject([{ message_id: 'm000', status: 'dead' }]);
    expect(await held(client)).toEqual([]);
  });

  it('must be its own, known and open', async () => {
    const bus = await startBus();
    await bus.connect(frontend).then((other) => other.close());
    const client = await bus.connect(backend);
    await bus.send(envelope('foreign', orchestrator, frontend));
    await fill(bus, 1);
    await client.envelope('m000');
    client.ack('m000');
    for (const type of ['ack', 'nack', 'extend']) {
      for (const message_id of ['foreign', 'unknown']) {
        client.send({ type, message_id });
        expect(await client.next()).toMatchObject({ type: 'rejected', message_id, code: 'MESSAGE_NOT_FOUND' });
      }
    }
    client.send({ type: 'nack', message_id: 'm000' });
    expect(await client.next()).toMatchObject({ message_id: 'm000', code: 'MESSAGE_SETTLED' });
    client.ack('m000');
    expect(await held(client)).toEqual([]);
    expect((await bus.ledger('foreign')).status).toBe('queued');
  });
});

describe('the order of offers', () => {
  it('is that of acceptance inside a priority, and a higher priority overtakes what is queued', async () => {
    const bus = await startBus({ maxInFlight: 1 });
    await bus.register(backend);
    for (const priority of ['low', 'medium', 'high', 'critical', 'low', 'medium', 'high', 'critical']) {
      const id = `${priority}-${(await bus.ledger(`${priority}-1`)) ? 2 : 1}`;
      await bus.send(envelope(id, orchestrator, backend, { priority }));
    }
    const client = await bus.connect(backend);
    const order: string[] = [];
    while (order.length < 8) {
      const { message_id } = await client.envelope();
      order.push(message_id);
      if (order.length === 2) await bus.send(envelope('late', orchestrator, backend, { priority: 'critical' }));
      client.ack(message_id);
    }
    expect(order).toEqual(['critical-1', 'critical-2', 'late', 'high-1', 'high-2', 'medium-1', 'medium-2', 'low-1']);
  });
});

describe('several sockets of one agent', () => {
  it('share what is queued, and none of it is left over', async () => {
    const bus = await startBus();
    await bus.register(backend);
    const [one, two, three] = [await bus.connect(backend), await bus.connect(backend), await bus.connect(backend)];
    const ids = await fill(bus, 100);
    const counts = () => [one, two, three].map((client) => client.unread.length);
    await expect.poll(() => counts().reduce((sum, count) => sum + count, 0), waiting).toBe(ids.length);
    expect(Math.min(...counts())).toBeGreaterThanOrEqual(20);
  });

  it('take turns with single messages', async () => {
    const bus = await startBus();
    const sockets = [await bus.connect(backend), await bus.connect(backend)];
    for (let i = 0; i < 8; i++) await bus.send(envelope(`m${i}`, orchestrator, backend));
    for (const socket of sockets) expect(await held(socket)).toHaveLength(4);
  });

  it('take all mail while another one has no room', async () => {
    const bus = await startBus({ maxInFlight: 4 });
    const full = await bus.connect(backend);
    await fill(bus, 4);
    await full.envelopes(4);
    const free = await bus.connect(backend);
    for (let i = 0; i < 4; i++) await bus.send(envelope(`n${i}`, orchestrator, backend));
    expect(await free.envelopes(4)).toEqual(['n0', 'n1', 'n2', 'n3']);
  });

  it('have each a window of their own: an ack on one makes no room on another', async () => {
    const bus = await startBus({ maxInFlight: 1 });
    const one = await bus.connect(backend);
    await fill(bus, 1);
    await one.envelope('m000');
    const two = await bus.connect(backend);
    await bus.send(envelope('n0', orchestrator, backend));
    await two.envelope('n0');
    for (const id of ['n1', 'n2']) await bus.send(envelope(id, orchestrator, backend));
    two.ack('n0');
    expect(await two.envelope()).toMatchObject({ message_id: 'n1' });
    expect([await held(one), await held(two)]).toEqual([[], []]);
  });

  it('lose only what the closing one had, and that goes to the others', async () => {
    const bus = await startBus();
    const [one, two] = [await bus.connect(backend), await bus.connect(backend)];
    await fill(bus, 10);
    await one.envelope();
    await two.envelope();
    const had = [...(await held(one))];
    await one.cut();
    const all = await two.envelopes(4 + 5);
    expect(all).toEqual(expect.arrayContaining(had));
    for (const id of had) {
      expect((await bus.ledger(id)).attempts).toMatchObject([
        { outcome: 'disconnected' },
        { attempt: 2, outcome: 'open' },
      ]);
    }
    expect(await bus.agent(backend)).toMatchObject({ online: true, connections: 1 });
  });
});

describe('a socket that comes back', () => {
  it('gets what it has not acked, in the old order and with a higher attempt', async () => {
    const bus = await startBus();
    const first = await bus.connect(backend);
    const ids = await fill(bus, 5, linear(0));
    await first.envelopes(5);
    first.ack('m001', 'm003');
    await bus.untilStatus('m003', 'acknowledged');
    await first.cut();
    const second = await bus.connect(backend);
    expect(await second.envelopes(3)).toEqual([ids[0], ids[2], ids[4]]);
    expect((await bus.ledger('m004')).attempts).toMatchObject([{ attempt: 1 }, { attempt: 2, outcome: 'open' }]);
    expect(await held(second)).toEqual([]);
  });

  it('is not detached by the close of the socket before it', async () => {
    const bus = await startBus();
    const old = await bus.connect(backend);
    const fresh = await bus.connect(backend);
    await old.close();
    await expect.poll(async () => (await bus.agent(backend)).connections, waiting).toBe(1);
    await fill(bus, 3);
    expect(await fresh.envelopes(3)).toEqual(['m000', 'm001', 'm002']);
    expect((await bus.agent(backend)).online).toBe(true);
  });

  it('registers by connecting, may register before and after, and reconnects at once', async () => {
    const bus = await startBus();
    expect(await bus.register(backend, 'code')).toMatch(/^abt_/);
    const first = await bus.connect(backend);
    await first.cut();
    const second = await bus.connect(backend);
    expect(
      (await bus.call('POST', '/agents/register', { agent_descriptor: { agent_id: backend, capabilities: ['x'] } }))
        .status,
    ).toBe(200);
    await fill(bus, 1);
    await second.envelope('m000');
    await bus.connect(frontend);
    const later = await bus.call('POST', '/agents/register', {
      agent_descriptor: { agent_id: frontend, capabilities: [] },
    });
    expect(later.status).toBe(201);
    expect(await bus.agent(frontend)).toMatchObject({ registered: true, online: true });
  });
});
