// The order in which mail is offered: lanes by priority, each by age, cold mail brought back in time.
import type { Consumer, Lease, Offer } from '../ports/mailbox-store.ts';
import { BusError } from '../protocol/errors.ts';
import { attemptCount } from './attempt-history.ts';
import { type Entry, idsOf } from './entry.ts';
import { postponedLane } from './entry-record.ts';
import type { Group } from './group-commit.ts';
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
  /** Mailboxes with new mail of this turn. */
  readonly #unannounced = new Set<string>();
  /** What was taken, and is not on record yet. */
  readonly #unmade = new Set<readonly Entry[]>();

  constructor(deps: OfferingDeps) {
    this.#deps = deps;
  }

  /** The entry is new, and waits for a taker or for its time. */
  accepted(entry: Entry): void {
    this.arrive(entry);
    if (entry.record.state === 'ready') this.#unannounced.add(entry.record.mailbox);
  }

  /** Called late in the turn: what is taken of what is new is in its commit, the mail of one mailbox together. */
  announce(): void {
    const mailboxes = [...this.#unannounced];
    this.#unannounced.clear();
    for (const mailbox of mailboxes) this.#deps.mail(mailbox);
  }

  /** The entry can be taken again. */
  offerable(entry: Entry): void {
    const queue = this.#deps.ledger.queues.of(entry.record.mailbox);
    queue.laneFor(entry).add(entry);
    this.#deps.wakeUp.plan(entry);
    this.#deps.mail(queue.name);
  }

  /** Resolves when the offers are on record; those that have ended by then are not made. */
  async take(queue: MailboxQueue, max: number, now: number, lease: Lease): Promise<Offer[]> {
    const leaseEndsAt = now + lease.leaseMs;
    const taken: Entry[] = [];
    const offers: Offer[] = [];
    let size = 0;
    while (taken.length < max && size < mostBytesAtOnce) {
      const entry = this.#next(queue, now);
      if (!entry) break;
      const bytes = this.#readable(entry);
      if (!bytes) continue;
      taken.push(entry);
      const attempt = attemptCount(entry.record) + 1;
      offers.push({ messageId: entry.record.messageId, attempt, leaseEndsAt, bytes });
      size += bytes.length;
    }
    if (taken.length === 0) return offers;
    this.#unmade.add(taken);
    try {
      await this.lease(taken, now, lease).done;
    } finally {
      this.#unmade.delete(taken);
    }
    const isMade = ({ attempt }: Offer, index: number): boolean => {
      const entry = taken[index];
      return entry?.openAttempt !== undefined && attemptCount(entry.record) === attempt;
    };
    return offers.every(isMade) ? offers : offers.filter(isMade);
  }

  /** Whether its taker can have it already. */
  isMade(entry: Entry): boolean {
    for (const taken of this.#unmade) if (taken.includes(entry)) return false;
    return true;
  }

  /** These are offered to the consumer, and to nobody else until the lease ends. */
  lease(entries: readonly Entry[], now: number, { consumer, leaseMs }: Lease): Group {
    const { ledger, leases } = this.#deps;
    // A receiver is more than what is to be remembered of it.
    const { agentId, door, connectionId } = consumer;
    const by: Consumer = { agentId, door, connectionId };
    const group = ledger.change({ type: 'offered', ids: idsOf(entries), at: now, until: now + leaseMs, by }, entries);
    leases.hold(connectionId, entries);
    return group;
  }

  /** A message is in memory again: it waits for a taker, or for its time. */
  arrive(entry: Entry): void {
    const { ledger, wakeUp } = this.#deps;
    if (entry.record.state === 'ready') ledger.queues.of(entry.record.mailbox).laneFor(entry).add(entry);
    wakeUp.plan(entry);
  }

  /** The next message to offer, out of its lane; expired ones are taken out on the way. */
  #next(queue: MailboxQueue, now: number): Entry | undefined {
    for (const [index, lane] of queue.lanes.entries()) {
      if (index === postponedLane) break;
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
    return this.#deps.ledger.entries.refill(queue, laneIndex, refillSize, (entry) => this.arrive(entry));
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
