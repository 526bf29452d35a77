// How long a chain of messages is, each in reply to the one before.
import { BusError } from '../../protocol/errors.ts';

/** The hop of a message: one more than that of the message it answers, 1 where it answers none that is known. */
export function hopAfter(answered: { hop?: number } | undefined): number {
  return answered ? (answered.hop ?? 1) + 1 : 1;
}

/** `limit` 0 is none. @throws BusError HOP_LIMIT */
export function assertHop(hop: number, limit: number): void {
  if (limit === 0 || hop <= limit) return;
  throw new BusError(
    'HOP_LIMIT',
    `This would be message ${hop} of a chain of replies, and ${limit} are allowed; stop answering, or ask anew without in_reply_to.`,
  );
}
