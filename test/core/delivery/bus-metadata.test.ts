import { describe, expect, it } from 'vitest';
import { detourOf, withBus, withoutBus } from '../../../src/core/delivery/bus-metadata.ts';
import type { CompleteEnvelope } from '../../../src/protocol/types.gen.ts';

const stamp = { sender: 'bus', workspace_id: 'default', accepted_at: '2030-01-01T00:00:00.000Z', hop: 1 };
const bare: CompleteEnvelope = {
  message_id: 'm1',
  timestamp: '2030-01-01T00:00:00.000Z',
  sender: { framework: 'claude-code', agent_id: 'claude-code://lead' },
  recipient: { framework: 'opencode', agent_id: 'opencode://backend' },
  message_type: 'status_update',
  priority: 'medium',
  payload: null,
  routing: { timeout: '5m', retry_policy: { max_retries: 3, backoff: 'linear' }, delivery_mode: 'async' },
};
const own = { ...bare, metadata: { task_id: 'task_1' } };

describe('metadata.bus', () => {
  it('stands beside what the sender says, in the place of what it claims', () => {
    expect(withBus(bare, stamp)).toEqual({ ...bare, metadata: { bus: stamp } });
    expect(withBus(own, stamp)).toEqual({ ...bare, metadata: { task_id: 'task_1', bus: stamp } });
    expect(withBus(withBus(own, { ...stamp, hop: 9 }), stamp)).toEqual(withBus(own, stamp));
  });

  it('can be taken away again, and leaves what the sender said', () => {
    for (const envelope of [bare, own]) expect(withoutBus(withBus(envelope, stamp))).toEqual(envelope);
    expect(withoutBus({ ...bare, metadata: {} })).toEqual(bare);
  });

  it.each([
    ['an agent', bare.recipient, 'opencode://backend'],
    ['a capability', { capability: 'review' }, { capability: 'review' }],
  ])('says of a detour to whom it was addressed: %s', (_whom, recipient, addressed_to) => {
    const routed_by = 'fallback: expired';
    expect(detourOf({ ...bare, recipient }, stamp, routed_by)).toEqual({ ...stamp, addressed_to, routed_by });
  });
});
