// The guards against loops, floods and unwanted mail: their names, and what is told of a refusal.
import type { ErrorCode } from '../../protocol/errors.ts';
import type { AgentId, MessageId, Recipient, SessionId, Timestamp } from '../../protocol/types.gen.ts';

/** Which guard refuses with which code. */
const guardOfCode = {
  HOP_LIMIT: 'hops',
  PAIR_RATE_LIMITED: 'pair_rate',
  SESSION_RATE_LIMITED: 'session_rate',
  BUDGET_EXHAUSTED: 'message_budget',
  CONTACT_REFUSED: 'contact',
} as const satisfies Partial<Record<ErrorCode, string>>;

export type Guard = (typeof guardOfCode)[keyof typeof guardOfCode];

/** A message that a guard has refused; nothing of it is stored. */
export interface GuardTrip {
  guard: Guard;
  code: ErrorCode;
  /** What its sender was told. */
  error: string;
  at: Timestamp;
  /** As the envelope names them. */
  sender: AgentId;
  recipient: Recipient;
  message_id?: MessageId;
  /** Of a message that belongs to a session, under both names. */
  sessionId?: SessionId;
  session_id?: SessionId;
}

export function guardOf(code: ErrorCode): Guard | undefined {
  return (guardOfCode as Partial<Record<ErrorCode, Guard>>)[code];
}

/** A count for each guard. */
export function noTrips(): Record<Guard, number> {
  return { hops: 0, pair_rate: 0, session_rate: 0, message_budget: 0, contact: 0 };
}
