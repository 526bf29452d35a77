// From the durations of an envelope to instants: when it is offered at the earliest, and until when.
import { formatDuration, parseDuration } from '../../protocol/durations.ts';
import { BusError } from '../../protocol/errors.ts';
import type { CompleteRouting, Routing } from '../../protocol/types.gen.ts';

/** Milliseconds since the epoch. */
export interface Timing {
  /** Absent where it may be offered at once. */
  deliverAt?: number;
  deadline: number;
}

/** `routing.timeout` where it was left out: as much time as others have, counted from the first offer. */
export function defaultTimeout({ deliver_after }: Routing, messageTimeoutMs: number): string {
  return formatDuration((deliver_after === undefined ? 0 : parseDuration(deliver_after)) + messageTimeoutMs);
}

/** @throws BusError VALIDATION_FAILED where its time would be up before it is offered. */
export function timingOf({ deliver_after, timeout }: CompleteRouting, acceptedAt: number): Timing {
  const timeoutMs = parseDuration(timeout);
  const deadline = acceptedAt + timeoutMs;
  if (deliver_after === undefined) return { deadline };
  const delayMs = parseDuration(deliver_after);
  if (delayMs < timeoutMs) return { deliverAt: acceptedAt + delayMs, deadline };
  const message = `must be shorter than routing.timeout: ${deliver_after} is not less than ${timeout}`;
  throw new BusError('VALIDATION_FAILED', `routing.deliver_after ${message}.`, {
    details: [
      { path: '/routing/deliver_after', message },
      { path: '/routing/timeout', message: 'must be longer than routing.deliver_after' },
    ],
  });
}
