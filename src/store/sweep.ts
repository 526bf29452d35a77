// Does what is due: leases that end, deadlines that pass, retries whose turn it is.
import type { Attempts } from './attempts.ts';
import type { Entry } from './entry.ts';
import type { Ledger } from './ledger.ts';
import type { Offering } from './offering.ts';
import type { InstantRow, Shelf } from './shelf.ts';
import type { WakeUp } from './wake-up.ts';

/** How many messages one sweep looks at; the others of a crowd wait for the next, so that mail goes on in between. */
const batch = 256;
/** Between two batches of expired messages from the tables. */
const pauseMs = 5;
const beginning: InstantRow = [0, ''];

export interface SweepDeps {
  shelf: Shelf;
  ledger: Ledger;
  wakeUp: WakeUp;
  attempts: Attempts;
  offering: Offering;
}

export class Sweep {
  readonly #deps: SweepDeps;
  /**
   * The rows of expired messages up to this one were looked at: what lies in memory is planned there. They stay until
   * their messages have ended, which is why a sweep must not begin with them again.
   */
  #seenExpired = beginning;
  /** The same of the rows of postponed messages, which stay for a while after their time. */
  #seenDue = beginning;

  constructor(deps: SweepDeps) {
    this.#deps = deps;
  }

  /** The instant at which something is due next; Infinity where nothing is. */
  run(now: number): number {
    const { ledger, wakeUp } = this.#deps;
    // The clock was set back: rows have come in front of what was seen.
    if (now < this.#seenExpired[0]) this.#seenExpired = beginning;
    if (now < this.#seenDue[0]) this.#seenDue = beginning;
    const nextExpiry = this.#warmExpired(now);
    const { until, nextDue } = this.#warmDue(now);
    for (let left = batch; left > 0; left--) {
      const entry = wakeUp.take(until);
      if (!entry) break;
      this.#end(entry, now);
    }
    ledger.queues.forgetEmpty();
    return Math.min(nextExpiry, nextDue, wakeUp.next);
  }

  /** Brings expired messages into memory, and returns when the next one may have expired. */
  #warmExpired(now: number): number {
    const { shelf, ledger, wakeUp } = this.#deps;
    const rows = shelf.deadlinesAfter(this.#seenExpired, now, batch);
    for (const row of rows) {
      this.#seenExpired = row;
      const [, id] = row;
      const entry = ledger.entries.get(id) ? undefined : ledger.entries.tryWarm(id);
      // Nobody is to be offered it: its lane need not know of it.
      if (entry) wakeUp.plan(entry);
    }
    if (rows.length === batch) return now + pauseMs;
    return shelf.nextDeadlineAfter(now) ?? Number.POSITIVE_INFINITY;
  }

  /** Brings postponed messages into memory whose time has come; with more of them to come, only those up to here are next. */
  #warmDue(now: number): { until: number; nextDue: number } {
    const { shelf, ledger, offering } = this.#deps;
    const first = shelf.dueAfter(this.#seenDue, now, batch);
    const last = first[batch - 1];
    // All of one instant, however many they are: they keep the order of their acceptance, which the table does not know.
    const rows = last ? first.concat(shelf.dueAfter(last, last[0], Number.MAX_SAFE_INTEGER)) : first;
    for (const [, id] of rows) {
      const entry = ledger.entries.get(id) ? undefined : ledger.entries.tryWarm(id);
      if (entry) offering.arrive(entry);
    }
    this.#seenDue = rows.at(-1) ?? this.#seenDue;
    if (last) return { until: last[0], nextDue: now + pauseMs };
    return { until: now, nextDue: shelf.nextDueAfter(now) ?? Number.POSITIVE_INFINITY };
  }

  /** A disk may be slower than a lease is long: who was never handed the message has not failed. */
  #endLease(entry: Entry): void {
    const { attempts, offering } = this.#deps;
    if (offering.isMade(entry)) attempts.fail(entry, 'lease_expired', {});
    else attempts.putBack([entry], 'interrupted');
  }

  #end(entry: Entry, now: number): void {
    const { ledger, wakeUp, attempts, offering } = this.#deps;
    const { state, deadline, leaseEndsAt = 0, retryAt = 0 } = entry.record;
    if (entry.due > now) wakeUp.plan(entry);
    else if (state === 'leased' && leaseEndsAt <= now) this.#endLease(entry);
    else if (deadline <= now) attempts.hold(entry, 'expired');
    else if (state === 'waiting' && retryAt <= now) {
      const { messageId } = entry.record;
      // Who was postponed has a place among the others from now on.
      if (entry.postponed) ledger.change({ type: 'due', ids: [messageId], at: now, seq: ledger.nextSeq() }, [entry]);
      else entry.record.state = 'ready';
      offering.offerable(entry);
    }
  }
}
