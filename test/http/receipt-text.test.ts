import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { receiptText } from '../../src/http/receipt-text.ts';
import type { AnyReceipt } from '../../src/protocol/types.gen.ts';

const receipt: AnyReceipt = {
  success: true,
  message_id: 'msg_1',
  status: 'queued',
  recipient: { agent_id: 'codex://qa', online: false, queued: 3, last_seen_at: null },
};
const task = { task_id: 'task_1', session_id: 'sess_1', step: 'a "step"' };

describe('the text of a receipt', () => {
  it.each<[string, AnyReceipt]>([
    ['a plain one', receipt],
    [
      'one of an agent that was seen',
      { ...receipt, recipient: { ...receipt.recipient, last_seen_at: '2026-01-01T00:00:00.000Z' } },
    ],
    [
      'one that says why it went there',
      { ...receipt, recipient: { ...receipt.recipient, routed_by: 'capability: "x"' } },
    ],
    [
      'one that says more of the agent than there is so far',
      { ...receipt, recipient: { ...receipt.recipient, mood: 'x' } as typeof receipt.recipient },
    ],
    ['one of a repeat', { ...receipt, duplicate: true }],
    ['one of a postponed message', { ...receipt, deliver_at: '2026-01-01T00:00:00.000Z' }],
    ['one of a task', { ...receipt, task }],
    ['one of a broadcast', { success: true, message_id: 'msg_1', status: 'queued', recipients: [] }],
  ])('is what JSON says: %s', (_what, one) => {
    expect(receiptText(one)).toBe(JSON.stringify(one));
  });

  it('is what JSON says for whatever ids and agents the schemas let in', () => {
    const id = fc.stringMatching(/^[A-Za-z0-9_.:-]{1,128}$/);
    const agent = fc.stringMatching(/^[a-z][a-z0-9+.-]{0,31}:\/\/[A-Za-z0-9_.:@-]{1,120}$/);
    fc.assert(
      fc.property(id, agent, fc.nat(), fc.boolean(), (message_id, agent_id, queued, online) => {
        const one: AnyReceipt = { ...receipt, message_id, recipient: { agent_id, online, queued, last_seen_at: null } };
        expect(receiptText(one)).toBe(JSON.stringify(one));
      }),
    );
  });
});
