// How long a failed attempt waits before the next one.

export interface RetryRule {
  maxRetries: number;
  backoff: 'linear' | 'exponential';
}

const unitMs = 1_000;
const longestMs = 60_000;

/**
 * Milliseconds until the next attempt after `failures` failed ones (1 or more).
 * Linear n x 1 s, exponential 2^(n-1) x 1 s, at most 60 s; `jitter` (0 to 1) takes off up to a fifth, so that
 * messages that failed together do not come back together.
 */
export function backoffMs(backoff: RetryRule['backoff'], failures: number, jitter: number): number {
  const steps = backoff === 'linear' ? failures : 2 ** Math.min(failures - 1, 16);
  return Math.round(Math.min(steps * unitMs, longestMs) * (1 - jitter / 5));
}
