import { describe, expect, it } from 'vitest';
import { SharedValues } from '../../src/store/shared-values.ts';

describe('what messages have in common', () => {
  const sender = 'codex://frontend';

  it('is one object for equal rules and plain facts', () => {
    const shared = new SharedValues();
    const retry = () => shared.retry({ maxRetries: 3, backoff: 'linear' });
    expect(retry()).toBe(retry());
    const facts = () => shared.facts({ sender, messageType: 'status_update' });
    expect(facts()).toBe(facts());
  });

  it('is not mixed up', () => {
    const shared = new SharedValues();
    for (const backoff of ['linear', 'exponential'] as const) {
      for (const maxRetries of [0, 1, 100]) {
        expect(shared.retry({ maxRetries, backoff })).toEqual({ maxRetries, backoff });
      }
    }
    for (const messageType of ['error', 'task_request']) {
      expect(shared.facts({ sender, messageType })).toEqual({ sender, messageType });
    }
    const routed = { sender, messageType: 'error', routedBy: 'capability: review' };
    expect(shared.facts(routed)).toBe(routed);
    expect(shared.facts({ sender, messageType: 'error' })).toEqual({ sender, messageType: 'error' });
  });

  it('is right for more senders than are remembered', () => {
    const shared = new SharedValues();
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 3_000; index++) {
        const facts = { sender: `codex://${index}`, messageType: 'error' };
        expect(shared.facts({ ...facts })).toEqual(facts);
      }
    }
  });
});
