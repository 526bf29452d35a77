// One look at everything that has a time: leases that end, deadlines that pass, retries whose turn it is.
import { BusError } from '../protocol/errors.ts';
import type { Attempts } from './attempts.ts';
import type { Ledger } from './ledger.ts';
import type { Offering } from './offering.ts';
import type { Shelf } from './shelf.ts';

/** How many expired messages one sweep takes from the tables. */
const expiryBatch = 1_000;
/** Between two batches. */
const pauseMs = 50;

/** Does what is due, and returns the instant at which something is due next; Infinity where nothing is. */
export function sweep(now: number, shelf: Shelf, ledger: Ledger, attempts: Attempts, offering: Offering): number {
  const expired = shelf.deadlinesUpTo(now, expiryBatch);
  for (const id of expired) warmIfReadable(ledger, id);
  // Rows stay until the message has ended: those of leased and held ones come back at every sweep, but call for none.
  let next = shelf.nextDeadlineAfter(now) ?? Number.POSITIVE_INFINITY;
  if (expired.length === expiryBatch) next = now + pauseMs;
  for (const entry of [...ledger.entries()]) {
    const { state, deadline, leaseEndsAt = 0, retryAt = 0 } = entry.record;
    if (entry.settled || state === 'held' || state === 'accepted') continue;
    if (state === 'leased') {
      if (leaseEndsAt <= now) attempts.fail(entry, 'lease_expired', {});
      else next = Math.min(next, leaseEndsAt);
      continue;
    }
    if (deadline <= now) {
      attempts.hold(entry, 'expired');
      continue;
    }
    next = Math.min(next, deadline);
    if (state !== 'waiting') continue;
    if (retryAt <= now) {
      entry.record.state = 'ready';
      offering.offerable(entry);
    } else next = Math.min(next, retryAt);
  }
  ledger.queues.forgetEmpty();
  return next;
}

/** A damaged record is told of where it is asked for by its id; it must not stop the clock of all others. */
function warmIfReadable(ledger: Ledger, id: string): void {
  try {
    ledger.warm(id);
  } catch (error) {
    if (!(error instanceof BusError)) throw error;
  }
}
