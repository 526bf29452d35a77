import { describe, expect, it, vi } from 'vitest';
import type { Principal } from '../../src/bus/identity.ts';
import { RateLimit } from '../../src/bus/rate-limit.ts';
import type { Workspace } from '../../src/bus/workspace.ts';
import { Settling } from '../../src/http/settling.ts';
import { Window } from '../../src/http/window.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { backend, startBus, v1 } from '../support/running-bus.ts';

const many = { kind: 'ack' as const, messageIds: Array.from({ length: 1_000 }, (_, n) => `m${n}`) };

/** What settles messages for one socket, of a store that takes its time. */
function slowSettling() {
  const waiting: (() => void)[] = [];
  const ackAll = () => new Promise((resolve) => waiting.push(() => resolve([])));
  const pause = vi.fn();
  const onFree = vi.fn();
  const settling = new Settling({
    workspace: { access: { ackAll } } as unknown as Workspace,
    agentId: backend,
    leaseMs: 1_000,
    window: new Window(1, () => undefined),
    rateLimit: new RateLimit(0, new ManualClock()),
    principal: { id: 'bus-key' } as Principal,
    webSocket: { pause },
    onFree,
    refuse: (error) => {
      throw error;
    },
  });
  return { settling, waiting, pause, onFree };
}

describe('settling for a socket', () => {
  it('stops its reading while too many messages are being settled, and lets it go on then', async () => {
    const { settling, waiting, pause, onFree } = slowSettling();
    settling.settle(many);
    expect(pause).not.toHaveBeenCalled();
    settling.settle(many);
    expect(pause).toHaveBeenCalledOnce();
    expect(settling.full).toBe(true);
    expect(onFree).not.toHaveBeenCalled();
    for (const settle of waiting) settle();
    await expect.poll(() => onFree.mock.calls.length).toBe(1);
    expect(settling.full).toBe(false);
  });

  it('counts each frame against the rate of its key', async () => {
    const bus = await startBus({ rateLimit: 3 });
    const client = await bus.connect(backend, { protocols: [v1] });
    for (let n = 0; n < 50; n++) client.send({ type: 'ack', message_ids: [`m${n}`] });
    const codes: unknown[] = [];
    while (codes.length < 50) codes.push((await client.type('rejected')).code);
    expect(codes).toContain('RATE_LIMITED');
  });

  it('reads on behind thousands of acks at once', async () => {
    const bus = await startBus();
    const client = await bus.connect(backend, { protocols: [v1] });
    for (let n = 0; n < 5; n++) client.send({ type: 'ack', message_ids: many.messageIds });
    client.send({ type: 'extend', message_id: 'last' });
    let last: unknown;
    while (last !== 'last') last = (await client.type('rejected')).message_id;
    expect(last).toBe('last');
  });
});
