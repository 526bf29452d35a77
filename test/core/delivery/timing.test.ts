import { describe, expect, it } from 'vitest';
import { defaultTimeout, timingOf } from '../../../src/core/delivery/timing.ts';
import type { CompleteRouting } from '../../../src/protocol/types.gen.ts';

const now = Date.UTC(2030, 0, 1);
const routing = (timeout: string, deliver_after?: string): CompleteRouting => ({
  timeout,
  retry_policy: { max_retries: 3, backoff: 'linear' },
  delivery_mode: 'async',
  ...(deliver_after !== undefined && { deliver_after }),
});

describe('when a message is offered, and until when', () => {
  it.each([
    ['300ms', undefined, { deadline: now + 300 }],
    ['5m', undefined, { deadline: now + 300_000 }],
    ['5m', '30s', { deliverAt: now + 30_000, deadline: now + 300_000 }],
    ['1001ms', '1s', { deliverAt: now + 1_000, deadline: now + 1_001 }],
  ])('a timeout of %s and a delay of %s', (timeout, delay, expected) => {
    expect(timingOf(routing(timeout, delay), now)).toEqual(expected);
  });

  it.each([
    ['1s', '1s'],
    ['1s', '1001ms'],
    ['59m', '1h'],
  ])('is refused where its time would be up before: %s, offered after %s', (timeout, delay) => {
    expect(() => timingOf(routing(timeout, delay), now)).toThrow(
      expect.objectContaining({
        code: 'VALIDATION_FAILED',
        message: `routing.deliver_after must be shorter than routing.timeout: ${delay} is not less than ${timeout}.`,
        details: [
          expect.objectContaining({ path: '/routing/deliver_after' }),
          expect.objectContaining({ path: '/routing/timeout' }),
        ],
      }),
    );
  });

  it.each([
    [undefined, 300_000, '5m'],
    ['30s', 300_000, '330s'],
    ['1h', 1, '3600001ms'],
  ])('counts the time that others have from the first offer on: after %s and %i ms more', (delay, rest, timeout) => {
    expect(defaultTimeout(delay === undefined ? {} : { deliver_after: delay }, rest)).toBe(timeout);
  });
});
