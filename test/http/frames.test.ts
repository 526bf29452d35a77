import { describe, expect, it } from 'vitest';
import { FrameError, readFrame } from '../../src/http/frames.ts';

const read = (value: unknown) => readFrame(Buffer.from(JSON.stringify(value)));

function refusalOf(value: unknown): FrameError {
  try {
    read(value);
  } catch (error) {
    if (error instanceof FrameError) return error;
  }
  throw new Error('was not refused');
}

describe('reading a frame', () => {
  it('tells envelopes from acks, nacks and extends', () => {
    const envelope = { sender: { agent_id: 'a://b' }, recipient: { agent_id: 'c://d' }, message_type: 'error' };
    expect(read(envelope)).toEqual({ kind: 'envelope', envelope });
    expect(read({ type: 'ack', message_id: 'm1' })).toEqual({ kind: 'ack', messageIds: ['m1'] });
    expect(read({ type: 'ack', message_ids: ['m1', 'm2'] })).toEqual({ kind: 'ack', messageIds: ['m1', 'm2'] });
    const nack = { type: 'nack', message_id: 'm1', requeue: false };
    expect(read(nack)).toEqual({ kind: 'nack', frame: nack });
    expect(read({ type: 'extend', message_id: 'm1' })).toEqual({ kind: 'extend', messageId: 'm1' });
  });

  it('says which message a refusal is about, as far as it can be read', () => {
    expect(refusalOf({ message_id: 'm1', message_type: 'chat' }).messageId).toBe('m1');
    expect(refusalOf({ type: 'nack', message_id: 'm1', delay: 5 }).messageId).toBe('m1');
    expect(refusalOf({ message_id: 'x'.repeat(1_000), message_type: 'error' }).messageId).toHaveLength(128);
    expect(refusalOf({ message_id: 7, message_type: 'error' }).messageId).toBeUndefined();
    expect(refusalOf(null).messageId).toBeUndefined();
  });

  it('names the fault and its place', () => {
    const { reason } = refusalOf({ type: 'ack', message_id: 'm1', now: true });
    expect(reason.code).toBe('VALIDATION_FAILED');
    expect(reason.details).toEqual([{ path: '/now', message: 'unknown field "now"' }]);
  });
});
