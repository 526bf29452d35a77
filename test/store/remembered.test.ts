import { describe, expect, it } from 'vitest';
import { Entry } from '../../src/store/entry.ts';
import { Remembered } from '../../src/store/remembered.ts';
import { newMessage } from '../support/new-message.ts';

const consumer = { agentId: 'opencode://backend', door: 'http' as const, connectionId: 'conn_1' };

function acknowledged(messageId: string, settledAt: number, bytes = Buffer.from(`{"of":"${messageId}"}`)): Entry {
  const facts = { sender: 'claude-code://orchestrator', messageType: 'error', routedBy: 'capability: review' } as const;
  const message = newMessage(messageId, { priority: 'high', acceptedAt: settledAt - 20, facts, bytes });
  const entry = Entry.accept(message, 7, 0);
  entry.apply({ type: 'offered', ids: [messageId], at: settledAt - 10, until: settledAt + 30_000, by: consumer });
  entry.apply({ type: 'acked', ids: [messageId], at: settledAt });
  return entry;
}

describe('what is remembered', () => {
  it('is what it was', () => {
    const remembered = new Remembered(100_000);
    const entry = acknowledged('m1', 1_000);
    remembered.add(entry);
    expect(remembered.has('m1')).toBe(true);
    const read = remembered.read('m1');
    expect(read?.record).toEqual(entry.record);
    expect(read?.bytes).toEqual(entry.bytes);
    expect(remembered.read('m2')).toBeUndefined();
  });

  it('is the newest that has room', () => {
    const remembered = new Remembered(100_000);
    for (let at = 1; at <= 1_000; at++) remembered.add(acknowledged(`m${at}`, at));
    const known = Array.from({ length: 1_000 }, (_, index) => remembered.has(`m${index + 1}`));
    const first = known.indexOf(true);
    expect(known.slice(first)).not.toContain(false);
    expect(1_000 - first).toBeGreaterThan(200);
    expect(1_000 - first).toBeLessThan(400);
    expect(remembered.read('m1000')?.bytes?.toString()).toBe('{"of":"m1000"}');
  });

  it('stays as it was read when its memory is written over', () => {
    const remembered = new Remembered(100_000);
    remembered.add(acknowledged('first', 1));
    const read = remembered.read('first');
    for (let at = 1; at <= 1_000; at++) remembered.add(acknowledged(`m${at}`, at));
    expect(read?.bytes?.toString()).toBe('{"of":"first"}');
  });

  it('may be larger than all that there is room for', () => {
    const remembered = new Remembered(10_000);
    remembered.add(acknowledged('large', 1, Buffer.alloc(50_000, 'x')));
    expect(remembered.read('large')?.bytes).toEqual(Buffer.alloc(50_000, 'x'));
    remembered.add(acknowledged('small', 2));
    expect(remembered.has('large')).toBe(true);
  });

  it('is known for as long as it is to be, and no longer', () => {
    const remembered = new Remembered(100_000);
    for (const at of [10, 20, 30]) remembered.add(acknowledged(`m${at}`, at));
    remembered.forgetEndedBefore(20);
    expect(['m10', 'm20', 'm30'].map((id) => remembered.has(id))).toEqual([false, true, true]);
    remembered.forgetEndedBefore(31);
    expect(remembered.has('m30')).toBe(false);
    remembered.add(acknowledged('m10', 40));
    expect(remembered.read('m10')?.record.settledAt).toBe(40);
  });
});
