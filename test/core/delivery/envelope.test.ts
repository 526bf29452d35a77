import { describe, expect, it } from 'vitest';
import { completeEnvelope } from '../../../src/core/delivery/envelope.ts';
import { isSameContent } from '../../../src/core/delivery/same-content.ts';
import type { CompleteEnvelope, Envelope } from '../../../src/protocol/types.gen.ts';

const defaults = { messageId: 'msg_1', timestamp: '2030-01-01T00:00:00.000Z', timeout: '5m' };
const short: Envelope = {
  sender: { agent_id: 'claude-code://lead' },
  recipient: { agent_id: 'opencode://backend' },
  message_type: 'task_request',
};
const full = {
  message_id: 'msg_1',
  timestamp: '2030-01-01T00:00:00.000Z',
  sender: { framework: 'claude-code', agent_id: 'claude-code://lead' },
  recipient: { framework: 'opencode', agent_id: 'opencode://backend' },
  message_type: 'task_request',
  priority: 'medium',
  payload: null,
  routing: { timeout: '5m', retry_policy: { max_retries: 3, backoff: 'exponential' }, delivery_mode: 'async' },
} satisfies CompleteEnvelope;
const complete = (sent: Envelope) => completeEnvelope(sent, defaults);

describe('what a sender leaves out', () => {
  it('is filled in', () => {
    expect(complete(short)).toEqual({ envelope: full, filled: true });
  });

  it('is nothing in a complete envelope, which stays as it is', () => {
    const { envelope, filled } = complete(full);
    expect(filled).toBe(false);
    expect(envelope).toBe(full);
  });

  const routing = full.routing;
  it.each([
    ['message_id', { message_id: undefined }],
    ['timestamp', { timestamp: undefined }],
    ['priority', { priority: undefined }],
    ['payload', { payload: undefined }],
    ['routing', { routing: undefined }],
    ['sender.framework', { sender: { agent_id: full.sender.agent_id } }],
    ['recipient.framework', { recipient: short.recipient }],
    ['routing.timeout', { routing: { ...routing, timeout: undefined } }],
    ['routing.delivery_mode', { routing: { ...routing, delivery_mode: undefined } }],
    ['routing.retry_policy', { routing: { ...routing, retry_policy: undefined } }],
    ['routing.retry_policy.backoff', { routing: { ...routing, retry_policy: { max_retries: 3 } } }],
    ['routing.retry_policy.max_retries', { routing: { ...routing, retry_policy: { backoff: 'exponential' } } }],
  ])('is filled in where it is the only thing: %s', (_name, less) => {
    const sent = JSON.parse(JSON.stringify({ ...full, ...less })) as Envelope;
    expect(complete(sent)).toEqual({ envelope: full, filled: true });
  });

  it('is not what it says, however little that is', () => {
    const own = {
      message_id: 'mine',
      timestamp: '2029-12-31T00:00:00Z',
      sender: { agent_id: 'claude-code://lead', framework: 'own', session_id: 'sess_1' },
      priority: 'low' as const,
      payload: 0,
      routing: {
        timeout: '1s',
        retry_policy: { max_retries: 0 },
        fallback_agents: ['codex://spare' as const] as [string],
        deliver_after: '1ms',
      },
      metadata: { task_id: 'task_1' },
    };
    expect(complete({ ...short, ...own }).envelope).toEqual({
      ...full,
      ...own,
      routing: { ...own.routing, retry_policy: { max_retries: 0, backoff: 'exponential' }, delivery_mode: 'async' },
    });
  });

  it('is the session of who speaks to a session, and no framework of who is nobody yet', () => {
    const everybody = complete({ ...short, recipient: { session_id: 'sess_1' } }).envelope;
    expect(everybody.sender).toEqual({ ...full.sender, session_id: 'sess_1' });
    expect(everybody.recipient).toEqual({ session_id: 'sess_1' });
    const anybody = complete({ ...short, recipient: { capability: 'review' } }).envelope;
    expect(anybody.sender).toEqual(full.sender);
    expect(anybody.recipient).toEqual({ capability: 'review' });
  });
});

describe('a message under a known id', () => {
  const bus = { sender: 'bus', workspace_id: 'default', accepted_at: '2030-01-01T00:00:00.000Z', hop: 1 };

  it.each<[string, Envelope]>([
    ['as short as it was', short],
    ['as it was kept', full],
    ['with metadata that say nothing', { ...short, metadata: {} }],
    ['with a stamp of its own', { ...short, metadata: { bus: { ...bus, hop: 7 } } } as Envelope],
  ])('is the same %s', (_how, sent) => {
    expect(isSameContent({ ...full, metadata: { bus } }, sent)).toBe(true);
  });

  it.each<[string, Envelope]>([
    ['payload', { ...short, payload: {} }],
    ['recipient', { ...short, recipient: { agent_id: 'opencode://other' } }],
    ['priority', { ...short, priority: 'high' }],
    ['timeout', { ...short, routing: { timeout: '6m' } }],
    ['time', { ...short, timestamp: '2030-01-01T00:00:00.001Z' }],
    ['metadata', { ...short, metadata: { task_id: 'task_1' } }],
  ])('is another one with another %s', (_what, sent) => {
    expect(isSameContent({ ...full, metadata: { bus } }, sent)).toBe(false);
  });
});
