import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type ClaimedReply, Replies } from '../../src/bus/replies.ts';
import { completeEnvelope } from '../../src/core/delivery/envelope.ts';
import type { NewMessage } from '../../src/ports/mailbox-store.ts';
import { newId } from '../../src/protocol/ids.ts';
import type { CompleteEnvelope } from '../../src/protocol/types.gen.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { backend, envelope, orchestrator } from '../support/running-bus.ts';

const complete = (sent: Parameters<typeof completeEnvelope>[0]): CompleteEnvelope =>
  completeEnvelope(sent, { messageId: 'x', timestamp: '2025-02-02T11:00:00Z', timeout: '5s' }).envelope;

const request = complete(envelope('q1', orchestrator, backend));
const answer = complete(envelope('r1', backend, orchestrator, { message_type: 'task_response' }));

function setUp() {
  const clock = new ManualClock();
  const { mailboxes } = createMemoryStore({ clock: new ManualClock() });
  const replies = new Replies(clock, mailboxes, newId);
  const store = (claimed: ClaimedReply | undefined) => {
    const message: NewMessage = {
      messageId: answer.message_id,
      mailbox: claimed?.mailbox ?? 'nobody',
      priority: 'medium',
      acceptedAt: clock.now(),
      deadline: clock.now() + 5_000,
      retry: { maxRetries: 0, backoff: 'linear' },
      facts: { sender: backend, messageType: 'task_response' },
      ...(claimed && { lease: claimed.lease }),
      bytes: Buffer.from(JSON.stringify(answer)),
    };
    return mailboxes.enqueue(message);
  };
  return { clock, mailboxes, replies, store };
}

describe('a reply that somebody waits for', () => {
  it('is settled where it was handed over', async () => {
    const { clock, mailboxes, replies, store } = setUp();
    const waiting = replies.expect(request, clock.now(), undefined);
    waiting.routedTo(backend);
    const claimed = replies.claim(answer, 'q1');
    await store(claimed);
    await claimed?.deliver(answer);
    expect(await waiting.answer).toEqual(answer);
    expect(await mailboxes.find('r1')).toMatchObject({ status: 'acknowledged' });
  });

  it('goes to the ordinary mailbox where the one who waited has gone before it was durable', async () => {
    const { clock, mailboxes, replies, store } = setUp();
    const gone = new AbortController();
    const waiting = replies.expect(request, clock.now(), gone.signal);
    waiting.routedTo(backend);
    const claimed = replies.claim(answer, 'q1');
    const storing = store(claimed);
    gone.abort();
    await storing;
    await claimed?.deliver(answer);
    await expect(waiting.answer).rejects.toMatchObject({ code: 'REPLY_TIMEOUT' });
    expect(await mailboxes.find('r1')).toMatchObject({ status: 'queued', mailbox: orchestrator });
  });

  it('is not settled before it is handed over, nor shown to anybody else meanwhile', async () => {
    const { clock, mailboxes, replies, store } = setUp();
    const waiting = replies.expect(request, clock.now(), undefined);
    waiting.routedTo(backend);
    const claimed = replies.claim(answer, 'q1');
    await store(claimed);
    const other = { agentId: orchestrator, door: 'websocket' as const, connectionId: 'conn_1' };
    expect(await mailboxes.take(orchestrator, 1, 1_000, other)).toEqual([]);
    const order: string[] = [];
    mailboxes.ack = async () => {
      await nextTurn();
      order.push('acked');
      return ['acknowledged'];
    };
    waiting.answer.then(
      () => order.push('handed over'),
      () => undefined,
    );
    await claimed?.deliver(answer);
    expect(order).toEqual(['handed over', 'acked']);
  });

  it('is nobody’s once the time is over, or the wait was given up', async () => {
    const { clock, replies } = setUp();
    const waiting = replies.expect(request, clock.now(), undefined);
    waiting.routedTo(backend);
    expect(replies.isAwaitedBy(orchestrator)).toBe(true);
    clock.advance(5_000);
    await expect(waiting.answer).rejects.toMatchObject({ code: 'REPLY_TIMEOUT' });
    waiting.forget();
    expect(replies.claim(answer, 'q1')).toBeUndefined();
    expect(replies.isAwaitedBy(orchestrator)).toBe(false);
    expect(clock.pending).toBe(0);
  });
});
