// How many messages a minute one agent may send to another, and one session may take; of all workspaces together.
import { BusError, type ErrorCode } from '../protocol/errors.ts';
import type { Sender } from '../protocol/types.gen.ts';
import { type Count, RateWindow } from './rate-window.ts';
import { scope } from './workspace-names.ts';

export interface RateLimits {
  /** From one agent to one other; 0 is no limit. */
  maxPairRate: number;
  /** Of one session; 0 is no limit. */
  maxSessionRate: number;
}

/** What a message that was let through is counted on, once for each time that it is there. */
export type Admission = readonly Count[];

/**
 * Lets a message to each of the recipients through; it counts when its admission is counted, in the same turn.
 * @throws BusError PAIR_RATE_LIMITED, SESSION_RATE_LIMITED
 */
export type Admit = (sender: Sender, recipients: readonly string[], now: number) => Admission;

/** One for each workspace. The counts are shared: however many workspaces there are, they take no more memory. */
export type AdmitIn = (workspaceId: string) => Admit;

const none: readonly string[] = [];

export function createRates({ maxPairRate, maxSessionRate }: RateLimits): AdmitIn {
  const pairs = new RateWindow();
  const sessions = new RateWindow();
  return (workspaceId) =>
    ({ agent_id: from, session_id: sessionId }, recipients, now) => {
      const admission: Count[] = [];
      for (const to of maxPairRate === 0 ? none : recipients) {
        const count = pairs.of(scope(workspaceId, from), to, now);
        if (count.value >= maxPairRate) {
          const text = `${from} may send ${maxPairRate} messages a minute to ${to}`;
          throw refusal('PAIR_RATE_LIMITED', text, pairs.untilNext(now));
        }
        admission.push(count);
      }
      if (maxSessionRate === 0 || sessionId === undefined) return admission;
      const count = sessions.of(workspaceId, sessionId, now);
      if (count.value + recipients.length > maxSessionRate) {
        const text = `Session ${sessionId} takes ${maxSessionRate} messages a minute`;
        throw refusal('SESSION_RATE_LIMITED', text, sessions.untilNext(now));
      }
      for (const _ of recipients) admission.push(count);
      return admission;
    };
}

/** A message was taken in. */
export function countIn(admission: Admission): void {
  for (const count of admission) count.value++;
}

function refusal(code: ErrorCode, text: string, retryAfterMs: number): BusError {
  const advice = 'wait for the next one, or see whether two agents only answer each other';
  return new BusError(code, `${text}; ${advice}.`, { retryAfterMs });
}
