import { describe, expect, it } from 'vitest';
import { Replies } from '../../src/bus/replies.ts';
import { completeEnvelope } from '../../src/core/delivery/envelope.ts';
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
  const replies = new Replies(clock, mailboxes);
  const store = (mailbox: string) =>
    mailboxes.enqueue({
      messageId: answer.message_id,
      mailbox,
      priority: 'medium',
      acceptedAt: clock.now(),
      deadline: clock.now() + 5_000,
      retry: { maxRetries: 0, backoff: 'linear' },
      facts: { sender: backend, messageType: 'task_response' },
      bytes: Buffer.from(JSON.stringify(answer)),
    });
  return { clock, mailboxes, replies, store };
}

describe('a reply that somebody waits for', () => {
  it('is settled where it was handed over', async () => {
    const { clock, mailboxes, replies, store } = setUp();
    const waiting = replies.expect(request, clock.now(), undefined);
    waiting.routedTo(backend);
    const claimed = replies.claim(answer, 'q1');
    await store(claimed?.mailbox ?? '');
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
    const storing = store(claimed?.mailbox ?? '');
    gone.abort();
    await storing;
    await claimed?.deliver(answer);
    await expect(waiting.answer).rejects.toMatchObject({ code: 'REPLY_TIMEOUT' });
    expect(await mailboxes.find('r1')).toMatchObject({ status: 'queued', mailbox: orchestrator });
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
