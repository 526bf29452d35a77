// The embedded mailbox store: queues, leases, retries and expiry over a ledger that is in memory where it is hot.
import { backoffMs } from '../core/delivery/backoff.ts';
import type { Clock } from '../ports/clock.ts';
import type {
  Consumer,
  Enqueued,
  LedgerEntry,
  MailboxEvents,
  MailboxStats,
  MailboxStore,
  MessageFacts,
  NewMessage,
  Offer,
  Page,
  Rejection,
} from '../ports/mailbox-store.ts';
import { BusError } from '../protocol/errors.ts';
import type { Attempt, MessageStatus } from '../protocol/types.gen.ts';
import type { Entry } from './entry.ts';
import type { Group, GroupCommit } from './group-commit.ts';
import { Ledger } from './ledger.ts';
import type { MailboxLimits } from './limits.ts';
import type { MailboxQueue } from './mailbox-queue.ts';
import { Retention } from './retention.ts';
import type { Shelf } from './shelf.ts';
import { WakeUp } from './wake-up.ts';

/** How many cold messages of a lane come back into memory at a time. */
const refillSize = 64;
/** How many expired messages one wake-up takes from the tables. */
const expiryBatch = 1_000;

const silent: MailboxEvents = {
  mail: () => undefined,
  exhausted: () => undefined,
};

export interface EngineOptions extends MailboxLimits {
  clock: Clock;
  /** 0 to 1; Math.random where time is real. */
  random: () => number;
  /** True while there is room for acks only. */
  isFull?: () => boolean;
}

export class MailboxEngine implements MailboxStore {
  readonly #shelf: Shelf;
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #wakeUp: WakeUp;
  readonly #retention: Retention;
  readonly #limits: EngineOptions;
  readonly #leases = new Map<string, Set<Entry>>();
  #events: MailboxEvents = silent;

  constructor(shelf: Shelf, commit: GroupCommit, options: EngineOptions) {
    const { clock, random, retentionMs } = options;
    this.#limits = options;
    this.#shelf = shelf;
    this.#clock = clock;
    this.#random = random;
    this.#wakeUp = new WakeUp(clock, (now) => this.#onTime(now));
    this.#ledger = new Ledger(shelf, commit);
    this.#retention = new Retention(shelf, this.#ledger, commit, clock, retentionMs);
    commit.onFailure(() => this.#stopTime());
    this.#resume();
  }

  listen(events: MailboxEvents): void {
    this.#events = events;
    for (const id of this.#shelf.heldIds()) this.#ledger.warm(id);
    for (const entry of [...this.#ledger.entries()]) {
      if (entry.record.state === 'held') this.#reportHeld(entry);
    }
  }

  async enqueue(message: NewMessage): Promise<Enqueued> {
    const known = this.#ledger.find(message.messageId);
    if (known) {
      await known.durable;
      return { outcome: 'known', entry: this.#view(known) };
    }
    this.assertRoom(message.mailbox, message.bytes.length);
    const { entry, group } = this.#ledger.accept(message);
    // In this order: it becomes ready, whoever takes mail is told and may take it, and only then the sender goes on.
    group.afterFlush(() => this.#ready(entry));
    this.#wakeUp.at(message.deadline);
    await group.done;
    return { outcome: 'stored', status: entry.status };
  }

  assertRoom(mailbox: string, bytes: number): void {
    const { maxMailboxMessages, maxMailboxBytes, isFull } = this.#limits;
    if (isFull?.()) {
      throw new BusError(
        'STORE_FULL',
        'The disk is nearly full: no new mail is taken until there is room; acks still are.',
      );
    }
    const queue = this.#ledger.existingQueue(mailbox);
    if (!queue || (queue.unsettled < maxMailboxMessages && queue.bytes + bytes <= maxMailboxBytes)) return;
    throw new BusError('MAILBOX_FULL', `The mailbox of ${mailbox} is full; send again when it has been read.`);
  }

  async find(messageId: string): Promise<LedgerEntry | undefined> {
    const entry = this.#ledger.find(messageId);
    // What a crash could still undo is not told of yet.
    await entry?.durable;
    return entry && this.#view(entry);
  }

  async take(mailbox: string, max: number, leaseMs: number, consumer: Consumer): Promise<Offer[]> {
    const queue = this.#ledger.existingQueue(mailbox);
    if (!queue || queue.unsettled === queue.inFlight) return [];
    const now = this.#clock.now();
    const leaseEndsAt = now + leaseMs;
    const taken: Entry[] = [];
    const offers: Offer[] = [];
    for (let entry = this.#next(queue, now); entry; entry = this.#next(queue, now)) {
      const bytes = this.#readable(entry);
      if (!bytes) continue;
      taken.push(entry);
      offers.push({
        messageId: entry.record.messageId,
        attempt: entry.record.attempts.length + 1,
        leaseEndsAt,
        bytes,
      });
      if (taken.length >= max) break;
    }
    if (taken.length === 0) return offers;
    // A receiver is more than what is to be remembered of it.
    const { agentId, door, connectionId } = consumer;
    const by: Consumer = { agentId, door, connectionId };
    this.#ledger.change({ type: 'offered', ids: idsOf(taken), at: now, until: leaseEndsAt, by }, taken);
    this.#holdLeases(by.connectionId, taken);
    this.#wakeUp.at(leaseEndsAt);
    return offers;
  }

  async ack(mailbox: string, messageIds: readonly string[]): Promise<(MessageStatus | undefined)[]> {
    const unacked = new Set<Entry>();
    const statuses = messageIds.map((id): MessageStatus | undefined => {
      const entry = this.#ledger.find(id);
      if (entry?.record.mailbox !== mailbox || entry.record.attempts.length === 0) return undefined;
      if (entry.settled) return entry.status;
      const warm = this.#ledger.warm(id);
      if (warm) unacked.add(warm);
      return 'acknowledged';
    });
    if (unacked.size === 0) return statuses;
    const acked = [...unacked];
    for (const entry of acked) this.#dropLease(entry);
    await this.#ledger.change({ type: 'acked', ids: idsOf(acked), at: this.#clock.now() }, acked).done;
    return statuses;
  }

  async nack(mailbox: string, messageId: string, rejection: Rejection): Promise<MessageStatus | undefined> {
    const entry = this.#leased(mailbox, messageId);
    if (!entry) return undefined;
    await this.#fail(entry, 'nacked', rejection).done;
    return entry.status;
  }

  extend(mailbox: string, messageId: string, leaseMs: number): boolean {
    const entry = this.#leased(mailbox, messageId);
    if (!entry) return false;
    entry.record.leaseEndsAt = this.#clock.now() + leaseMs;
    this.#wakeUp.at(entry.record.leaseEndsAt);
    return true;
  }

  release(connectionId: string): void {
    const entries = [...(this.#leases.get(connectionId) ?? [])];
    if (entries.length > 0) this.#putBack(entries, 'disconnected');
  }

  async reroute(messageId: string, mailbox: string, facts: MessageFacts): Promise<boolean> {
    const entry = this.#unsettled(messageId);
    if (!entry) return false;
    this.#dropLease(entry);
    const seq = this.#ledger.nextSeq();
    const at = this.#clock.now();
    const group = this.#ledger.change({ type: 'moved', ids: [messageId], at, mailbox, seq, facts }, [entry]);
    this.#offerable(entry);
    await group.done;
    return true;
  }

  async bury(messageId: string, reason: string): Promise<boolean> {
    const entry = this.#unsettled(messageId);
    if (!entry) return false;
    this.#dropLease(entry);
    await this.#ledger.change({ type: 'buried', ids: [messageId], at: this.#clock.now(), reason }, [entry]).done;
    return true;
  }

  async deadLetters(after: string | undefined, limit: number): Promise<Page<LedgerEntry>> {
    await this.#ledger.writeAll();
    const { ids, next } = this.#shelf.deadIds(after, limit);
    const items = ids.flatMap((id) => {
      const entry = this.#ledger.find(id);
      return entry ? [this.#view(entry)] : [];
    });
    return next === undefined ? { items } : { items, next };
  }

  async redrive(messageId: string, deadline: number): Promise<boolean> {
    const entry = this.#dead(messageId);
    if (!entry) return false;
    const seq = this.#ledger.nextSeq();
    const at = this.#clock.now();
    const group = this.#ledger.change({ type: 'redriven', ids: [messageId], at, seq, deadline }, [entry]);
    this.#wakeUp.at(deadline);
    this.#offerable(entry);
    await group.done;
    return true;
  }

  async discard(messageId: string): Promise<boolean> {
    const entry = this.#dead(messageId);
    if (!entry) return false;
    await this.#ledger.change({ type: 'discarded', ids: [messageId] }, [entry]).done;
    return true;
  }

  stats(mailbox: string): MailboxStats {
    const queue = this.#ledger.existingQueue(mailbox);
    if (!queue) return { queued: 0, inFlight: 0 };
    return {
      queued: queue.unsettled - queue.inFlight,
      inFlight: queue.inFlight,
    };
  }

  /** No timer is left; what is in memory goes to the tables. */
  async close(): Promise<void> {
    this.#stopTime();
    this.#events = silent;
    await this.#ledger.writeAll();
  }

  #stopTime(): void {
    this.#wakeUp.cancel();
    this.#retention.stop();
  }

  // --- queues ---

  #ready(entry: Entry): void {
    if (entry.record.state !== 'accepted') return;
    entry.record.state = 'ready';
    entry.durable = undefined;
    this.#offerable(entry);
  }

  #offerable(entry: Entry): void {
    const queue = this.#ledger.queue(entry.record.mailbox);
    queue.laneFor(entry).add(entry);
    this.#events.mail(queue.name);
  }

  /** The next message to offer, out of its lane; expired ones are taken out on the way. */
  #next(queue: MailboxQueue, now: number): Entry | undefined {
    for (const [index, lane] of queue.lanes.entries()) {
      for (;;) {
        const entry = lane.peek();
        if (lane.coldRows > 0 && (!entry || entry.record.seq > lane.coldFrom)) {
          if (this.#ledger.refill(queue, index, refillSize, (arrived) => this.#arrive(queue, arrived))) continue;
        }
        if (!entry) break;
        lane.drop();
        if (entry.record.deadline > now) return entry;
        this.#hold(entry, 'expired');
      }
    }
    return undefined;
  }

  /** A message comes back into memory. */
  #arrive(queue: MailboxQueue, entry: Entry): void {
    if (entry.record.state === 'ready') queue.laneFor(entry).add(entry);
    else if (entry.record.retryAt !== undefined) this.#wakeUp.at(entry.record.retryAt);
  }

  /** The envelope; a damaged one is reported under its id and never offered. */
  #readable(entry: Entry): Buffer | undefined {
    try {
      return this.#ledger.bytesOf(entry);
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
      this.#hold(entry, 'damaged');
      return undefined;
    }
  }

  // --- leases ---

  #leased(mailbox: string, messageId: string): Entry | undefined {
    const entry = this.#ledger.find(messageId);
    return entry?.record.mailbox === mailbox && entry.record.state === 'leased' ? entry : undefined;
  }

  #unsettled(messageId: string): Entry | undefined {
    const entry = this.#ledger.find(messageId);
    return entry && !entry.settled && entry.record.state !== 'accepted' ? this.#ledger.warm(messageId) : undefined;
  }

  #dead(messageId: string): Entry | undefined {
    return this.#ledger.find(messageId)?.record.state === 'dead' ? this.#ledger.warm(messageId) : undefined;
  }

  #holdLeases(connectionId: string, entries: readonly Entry[]): void {
    let held = this.#leases.get(connectionId);
    if (!held) {
      held = new Set();
      this.#leases.set(connectionId, held);
    }
    for (const entry of entries) held.add(entry);
  }

  #dropLease(entry: Entry): void {
    const connectionId = entry.openAttempt?.by.connectionId;
    if (connectionId === undefined) return;
    const held = this.#leases.get(connectionId);
    held?.delete(entry);
    if (held?.size === 0) this.#leases.delete(connectionId);
  }

  /** Ends attempts that are nobody's fault: back to the old place, at once. */
  #putBack(entries: Entry[], outcome: Attempt['outcome']): void {
    for (const entry of entries) this.#dropLease(entry);
    const at = this.#clock.now();
    this.#ledger.change(
      {
        type: 'attempt_ended',
        ids: idsOf(entries),
        at,
        outcome,
        failed: false,
      },
      entries,
    );
    for (const entry of entries) this.#offerable(entry);
  }

  /** Ends a failed attempt: the next one after a while, or none. */
  #fail(entry: Entry, outcome: Attempt['outcome'], rejection: Rejection): Group {
    this.#dropLease(entry);
    const { retry, failures, messageId } = entry.record;
    const at = this.#clock.now();
    const spent = rejection.giveUp === true || failures >= retry.maxRetries;
    const retryAt = at + (rejection.delayMs ?? backoffMs(retry.backoff, failures + 1, this.#random()));
    const reason = rejection.reason === undefined ? {} : { reason: rejection.reason };
    const group = this.#ledger.change(
      {
        type: 'attempt_ended',
        ids: [messageId],
        at,
        outcome,
        ...reason,
        failed: true,
        retryAt,
      },
      [entry],
    );
    if (spent)
      this.#hold(entry, rejection.giveUp ? `given up: ${rejection.reason ?? 'nacked'}` : `retries used up: ${outcome}`);
    else this.#wakeUp.at(retryAt);
    return group;
  }

  #hold(entry: Entry, reason: string): void {
    this.#ledger.change(
      {
        type: 'held',
        ids: [entry.record.messageId],
        at: this.#clock.now(),
        reason,
      },
      [entry],
    );
    this.#reportHeld(entry);
  }

  #reportHeld(entry: Entry): void {
    this.#events.exhausted(this.#view(entry), entry.record.reason ?? 'unknown');
  }

  // --- time ---

  /** Does what is due and says when to come back. */
  #onTime(now: number): void {
    for (const id of this.#shelf.deadlinesUpTo(now, expiryBatch)) this.#ledger.warm(id);
    let next = this.#shelf.nextDeadline() ?? Number.POSITIVE_INFINITY;
    for (const entry of [...this.#ledger.entries()]) {
      const { state, deadline, leaseEndsAt = 0, retryAt = 0 } = entry.record;
      if (entry.settled || state === 'held' || state === 'accepted') continue;
      if (state === 'leased') {
        if (leaseEndsAt <= now) this.#fail(entry, 'lease_expired', {});
        else next = Math.min(next, leaseEndsAt);
        continue;
      }
      if (deadline <= now) {
        this.#hold(entry, 'expired');
        continue;
      }
      if (state === 'waiting' && retryAt <= now) {
        entry.record.state = 'ready';
        this.#offerable(entry);
      }
      next = Math.min(next, deadline, entry.record.state === 'waiting' ? retryAt : Number.POSITIVE_INFINITY);
    }
    this.#ledger.forgetEmptyQueues();
    this.#wakeUp.at(next);
  }

  /** After a restart: leases of the earlier run end, what was queued is offered again. */
  #resume(): void {
    const interrupted: Entry[] = [];
    for (const entry of this.#ledger.entries()) {
      if (entry.record.state === 'leased') interrupted.push(entry);
      else if (!entry.settled) this.#arrive(this.#ledger.queue(entry.record.mailbox), entry);
    }
    if (interrupted.length > 0) this.#putBack(interrupted, 'interrupted');
    this.#wakeUp.at(this.#clock.now());
  }

  #view(entry: Entry): LedgerEntry {
    let bytes: Buffer;
    try {
      bytes = this.#ledger.bytesOf(entry);
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
      bytes = Buffer.alloc(0);
    }
    return entry.toLedger(bytes);
  }
}

function idsOf(entries: readonly Entry[]): string[] {
  return entries.map((entry) => entry.record.messageId);
}
