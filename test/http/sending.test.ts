import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { WebSocket } from 'ws';
import type { BusOptions } from '../../src/bus/bus.ts';
import { operator } from '../../src/bus/identity.ts';
import { Sending } from '../../src/http/sending.ts';
import type { Enqueued, NewMessage } from '../../src/ports/mailbox-store.ts';
import type { AnyReceipt, Envelope } from '../../src/protocol/types.gen.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { isCollected } from '../support/collected.ts';
import { backend, envelope, orchestrator } from '../support/running-bus.ts';
import { openTestBus } from './test-bus.ts';

const sync = { routing: { delivery_mode: 'sync', timeout: '9000h' } };

/** What one socket sends, to an agent that does not answer. */
async function open(options: Partial<BusOptions> = {}) {
  const bus = await openTestBus([], options);
  onTestFinished(() => bus.close());
  const workspace = bus.workspace('default');
  await workspace.agents.register({ agent_descriptor: { agent_id: backend, capabilities: [] } });
  const receipts: AnyReceipt[] = [];
  const refusals: unknown[] = [];
  const sending = new Sending({
    workspace,
    rateLimit: bus.rateLimit,
    principal: operator,
    webSocket: { isPaused: false, pause: () => undefined } as WebSocket,
    isBlocked: () => false,
    accepted: (those) => receipts.push(...those),
    refuse: (error) => refusals.push(error),
  });
  const send = (sent: unknown) => sending.send(sent as Envelope, Buffer.from(JSON.stringify(sent)));
  return { workspace, sending, send, receipts, refusals };
}

describe('an envelope that is on its way to the disk', () => {
  it('is in memory as its bytes alone', async () => {
    const store = createMemoryStore();
    const stored: NewMessage[] = [];
    const flushed: ((outcome: Enqueued) => void)[] = [];
    store.mailboxes.enqueue = (message) => {
      stored.push(message);
      return new Promise((resolve) => flushed.push(resolve));
    };
    const { send, receipts } = await open({ store });
    const complete = (message_id: string, payload: object) => ({
      message_id,
      timestamp: '2026-01-01T00:00:00Z',
      sender: { agent_id: orchestrator, framework: 'claude-code' },
      recipient: { agent_id: backend, framework: 'opencode' },
      message_type: 'task_request',
      priority: 'medium',
      payload,
      routing: { timeout: '1h', retry_policy: { max_retries: 3, backoff: 'linear' }, delivery_mode: 'async' },
    });
    const payloads = ['m1', 'm2'].map((id) => {
      const payload = { long: 'x'.repeat(1_000) };
      send(complete(id, payload));
      return new WeakRef(payload);
    });
    expect(stored).toHaveLength(2);
    for (const payload of payloads) expect(await isCollected(payload)).toBe(true);
    for (const resolve of flushed) resolve({ outcome: 'stored', status: 'queued' });
    await vi.waitFor(() => expect(receipts.map((receipt) => receipt.message_id)).toEqual(['m1', 'm2']));
    expect(stored[0]?.bytes.toString()).toContain('xxx');
  });
});

describe('a socket that waits for answers', () => {
  it('keeps nothing of what it has asked in memory but what the answer is known by', async () => {
    const { workspace, send } = await open();
    const payloads = [{ routing: {} }, { routing: { fallback_agents: ['codex://other'] } }].map(
      ({ routing }, index) => {
        const payload = { long: 'x'.repeat(1_000) };
        send(envelope(`q${index}`, orchestrator, backend, { routing: { ...sync.routing, ...routing }, payload }));
        return new WeakRef(payload);
      },
    );
    await vi.waitFor(() => expect(workspace.agents.get(backend).queued).toBe(2), { timeout: 10_000 });
    for (const payload of payloads) expect(await isCollected(payload)).toBe(true);
  });

  it('waits for 256 at a time: more are refused, what needs no answer is not, and each answer makes room', async () => {
    const { workspace, send, receipts, refusals } = await open();
    for (let n = 0; n < 256; n++) send(envelope(`q${n}`, orchestrator, backend, sync));
    expect(refusals).toEqual([]);
    send(envelope('q256', orchestrator, backend, sync));
    expect(refusals).toEqual([expect.objectContaining({ code: 'RATE_LIMITED', retryable: true })]);
    send(envelope('m1', orchestrator, backend));
    await vi.waitFor(() => expect(receipts).toEqual([expect.objectContaining({ message_id: 'm1' })]), {
      timeout: 10_000,
    });

    const answer = { message_type: 'task_response', metadata: { in_reply_to: 'q7' } };
    await workspace.messages.send({
      envelope: envelope('r7', backend, orchestrator, answer) as Envelope,
      principal: operator,
    });
    await vi.waitFor(() => expect(receipts).toContainEqual(expect.objectContaining({ message_id: 'q7' })));
    send(envelope('q257', orchestrator, backend, sync));
    expect(refusals).toHaveLength(1);
  });
});
