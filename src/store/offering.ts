// The order in which mail is offered: lanes by priority, each by age, cold mail brought back in time.
import type { Consumer, Offer } from '../ports/mailbox-store.ts';
import { BusError } from '../protocol/errors.ts';
import { type Entry, idsOf } from './entry.ts';
import type { Leases } from './leases.ts';
import type { Ledger } from './ledger.ts';
import type { MailboxQueue } from './mailbox-queue.ts';
import type { WakeUp } from './wake-up.ts';

/** How many cold messages of a lane come back into memory at a time. */
const refillSize = 64;
/** Who takes many large messages takes them in turns: they are all in memory until their taker has read them. */
const mostBytesAtOnce = 1_048_576;

export interface OfferingDeps {
  ledger: Ledger;
  leases: Leases;
  wakeUp: WakeUp;
  /** The mailbox has something to offer that it had not before. */
  mail: (mailbox: string) => void;
  /** The entry is not to be offered any more. */
  hold: (entry: Entry, reason: string) => void;
}

export class Offering {
  readonly #deps: OfferingDeps;

  constructor(deps: OfferingDeps) {
    this.#deps = deps;
  }

  /** The entry goes to its place in its lane. */
  offerable(entry: Entry): void {
    const queue = this.#deps.ledger.queues.of(entry.record.mailbox);
    queue.laneFor(entry).add(entry);
    this.#deps.wakeUp.at(entry.record.deadline);
    this.#deps.mail(queue.name);
  }

  take(queue: MailboxQueue, max: number, now: number, leaseEndsAt: number, consumer: Consumer): Offer[] {
    const { ledger, leases, wakeUp } = this.#deps;
    const taken: Entry[] = [];
    const offers: Offer[] = [];
    let size = 0;
    while (taken.length < max && size < mostBytesAtOnce) {
      const entry = this.#next(queue, now);
      if (!entry) break;
      const bytes = this.#readable(entry);
      if (!bytes) continue;
      taken.push(entry);
      const attempt = entry.record.attempts.length + 1;
      offers.push({ messageId: entry.record.messageId, attempt, leaseEndsAt, bytes });
      size += bytes.length;
    }
    if (taken.length === 0) return offers;
    // A receiver is more than what is to be remembered of it.
    const { agentId, door, connectionId } = consumer;
    const by: Consumer = { agentId, door, connectionId };
    ledger.change({ type: 'offered', ids: idsOf(taken), at: now, until: leaseEndsAt, by }, taken);
    leases.hold(connectionId, taken);
    wakeUp.at(leaseEndsAt);
    return offers;
  }

  /** A message is in memory again: it waits for a taker, or for its time. */
  arrive(queue: MailboxQueue, entry: Entry): void {
    const { state, deadline, retryAt = deadline } = entry.record;
    if (state === 'ready') queue.laneFor(entry).add(entry);
    this.#deps.wakeUp.at(Math.min(deadline, retryAt));
  }

  /** The next message to offer, out of its lane; expired ones are taken out on the way. */
  #next(queue: MailboxQueue, now: number): Entry | undefined {
    for (const [index, lane] of queue.lanes.entries()) {
      for (;;) {
        const entry = lane.peek();
        const isColdFirst = lane.coldRows > 0 && (!entry || entry.record.seq > lane.coldFrom);
        if (isColdFirst && this.#refill(queue, index)) continue;
        if (!entry) break;
        lane.drop();
        if (entry.record.deadline > now) return entry;
        this.#deps.hold(entry, 'expired');
      }
    }
    return undefined;
  }

  #refill(queue: MailboxQueue, laneIndex: number): boolean {
    return this.#deps.ledger.refill(queue, laneIndex, refillSize, (entry) => this.arrive(queue, entry));
  }

  /** The envelope; a damaged one is reported under its id and never offered. */
  #readable(entry: Entry): Buffer | undefined {
    try {
      return this.#deps.ledger.bytesOf(entry);
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
      this.#deps.hold(entry, 'damaged');
      return undefined;
    }
  }
}
