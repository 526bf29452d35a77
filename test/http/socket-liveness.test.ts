import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import {
  backend,
  envelope,
  frontend,
  orchestrator,
  type RunningBus,
  startBus,
  v1,
  waiting,
} from '../support/running-bus.ts';
import type { SocketClient } from '../support/socket-client.ts';

const kibibyte = 1_024;
const large = { payload: 'x'.repeat(64 * kibibyte) };

async function sendMany(bus: RunningBus, count: number, more: object): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, i) => `big${String(i).padStart(3, '0')}`);
  for (const id of ids) expect((await bus.send(envelope(id, orchestrator, backend, more))).status).toBe(202);
  return ids;
}

describe('a peer that answers no ping', () => {
  it('is closed after two pings without a pong, and its offers go to another socket', async () => {
    const heartbeatInterval = 250;
    const bus = await startBus({ heartbeatInterval });
    const dead = await bus.openRaw(backend, v1);
    await bus.send(envelope('m1', orchestrator, backend));
    await expect.poll(async () => (await bus.ledger('m1')).attempts.length, waiting).toBe(1);
    const other = await bus.connect(backend);
    const before = Date.now();
    dead.resume();
    await once(dead, 'close');
    expect(Date.now() - before).toBeLessThan(heartbeatInterval * 5);
    await other.envelope('m1');
    expect((await bus.ledger('m1')).attempts).toMatchObject([
      { outcome: 'disconnected' },
      { attempt: 2, outcome: 'open' },
    ]);
    expect((await bus.agent(backend)).connections).toBe(1);
  });

  it('is noticed within two intervals of its last sign of life', async () => {
    const heartbeatInterval = 500;
    const bus = await startBus({ heartbeatInterval });
    const dead = await bus.openRaw(backend, v1);
    const before = Date.now();
    dead.resume();
    await once(dead, 'close');
    const slack = 150;
    expect(Date.now() - before).toBeLessThan(heartbeatInterval * 2 + slack);
  });

  it('is told from one that answers and says nothing else', async () => {
    const bus = await startBus({ heartbeatInterval: 40 });
    const client = await bus.connect(backend);
    let pings = 0;
    client.ws.on('ping', () => {
      pings++;
    });
    await expect.poll(() => pings, waiting).toBeGreaterThanOrEqual(6);
    client.send(envelope('m1', backend, backend));
    await client.envelope('m1');
    const { last_seen_at } = await bus.agent(backend);
    await expect
      .poll(async () => Date.parse((await bus.agent(backend)).last_seen_at), waiting)
      .toBeGreaterThan(Date.parse(last_seen_at));
  });
});

describe('a peer that does not read', () => {
  const limits = { maxBufferedBytes: 256 * kibibyte, slowReaderTimeout: 300, heartbeatInterval: '20s' };

  it('costs its own mailbox only, is closed in time, and gets its mail when it comes back', async () => {
    const bus = await startBus(limits);
    const slow = await bus.openRaw(backend, v1);
    const other = await bus.connect(frontend);
    const memory = process.memoryUsage().arrayBuffers;
    const ids = await sendMany(bus, 200, large);
    let longest = 0;
    for (let i = 0; i < 20; i++) {
      const before = Date.now();
      await bus.send(envelope(`m${i}`, orchestrator, frontend));
      await other.envelope(`m${i}`);
      longest = Math.max(longest, Date.now() - before);
    }
    expect(longest).toBeLessThan(250);
    await expect.poll(async () => (await bus.agent(backend)).online, waiting).toBe(false);
    expect(process.memoryUsage().arrayBuffers - memory).toBeLessThan(3 * 200 * 64 * kibibyte);
    expect(await bus.agent(backend)).toMatchObject({ queued: 200, in_flight: 0 });
    slow.destroy();
    const again = await bus.connect(backend);
    for (const id of ids) {
      expect((await again.envelope()).message_id).toBe(id);
      again.ack(id);
    }
  });

  it('is offered no more than it may leave unread, and everything once it reads', async () => {
    const bus = await startBus({ ...limits, slowReaderTimeout: '20s' });
    const client = await bus.connect(backend);
    client.ws.pause();
    await sendMany(bus, 200, large);
    const { queued, in_flight } = await bus.agent(backend);
    expect(queued).toBeGreaterThan(50);
    // What the two kernels hold is taken for read.
    expect(in_flight).toBeLessThan(150);
    client.ws.resume();
    const ids = await client.envelopes(200);
    expect(new Set(ids).size).toBe(200);
  });

  it('is offered little of what waits for it, however much that is', async () => {
    const bus = await startBus({ ...limits, slowReaderTimeout: '20s' });
    await bus.register(backend);
    await sendMany(bus, 60, { payload: 'x'.repeat(256 * kibibyte) });
    const slow = await bus.openRaw(backend, v1);
    await expect.poll(async () => (await bus.agent(backend)).in_flight, waiting).toBeGreaterThan(0);
    // What the two kernels hold is taken for read.
    expect((await bus.agent(backend)).in_flight).toBeLessThan(45);
    slow.destroy();
  });

  it('but sends is not read from either, until it reads', async () => {
    const bus = await startBus({ ...limits, maxBufferedBytes: 16 * kibibyte, slowReaderTimeout: '20s' });
    const client = await bus.connect(orchestrator);
    client.ws.pause();
    await floodUntilUnread(client);
    client.ws.resume();
    await expect.poll(() => client.ws.bufferedAmount, { timeout: 5_000 }).toBe(0);
  });

  it('but sends is closed in time as well', async () => {
    const bus = await startBus({ ...limits, maxBufferedBytes: 16 * kibibyte });
    const client = await bus.connect(orchestrator);
    client.ws.pause();
    await floodUntilUnread(client);
    await expect.poll(async () => (await bus.agent(orchestrator)).online, waiting).toBe(false);
    client.ws.terminate();
  });
});

/** Sends what is refused, a megabyte at a time, until the bus reads no more of it. */
async function floodUntilUnread({ ws }: SocketClient): Promise<void> {
  const refused = JSON.stringify(envelope('x'.repeat(100), orchestrator, `nobody://${'x'.repeat(100)}`));
  for (let round = 0; round < 60; round++) {
    for (let i = 0; i < 2_500; i++) ws.send(refused);
    let before = 0;
    for (let unchanged = 0; ws.bufferedAmount > 0; before = ws.bufferedAmount) {
      unchanged = ws.bufferedAmount === before ? unchanged + 1 : 0;
      if (unchanged === 5) return;
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }
  throw new Error('the bus reads on');
}
