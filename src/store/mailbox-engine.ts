// The embedded mailbox store: the port over a ledger that is in memory where it is hot.
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
import type { MessageStatus } from '../protocol/types.gen.ts';
import { Attempts } from './attempts.ts';
import { DeadLetterBox } from './dead-letter-box.ts';
import type { Entry } from './entry.ts';
import { ledgerEntryOf } from './entry-view.ts';
import type { GroupCommit } from './group-commit.ts';
import { Leases } from './leases.ts';
import { Ledger } from './ledger.ts';
import { assertRoomIn, type MailboxLimits } from './limits.ts';
import { Offering } from './offering.ts';
import { Retention } from './retention.ts';
import type { Shelf } from './shelf.ts';
import { sweep } from './sweep.ts';
import { WakeUp } from './wake-up.ts';

const silent: MailboxEvents = { mail: () => undefined, exhausted: () => undefined };

export interface EngineOptions extends MailboxLimits {
  clock: Clock;
  /** 0 to 1; Math.random where time is real. */
  random: () => number;
  /** True while there is room for acks only. */
  isFull?: () => boolean;
}

export class MailboxEngine implements MailboxStore {
  readonly #options: EngineOptions;
  readonly #shelf: Shelf;
  readonly #ledger: Ledger;
  readonly #leases = new Leases();
  readonly #offering: Offering;
  readonly #attempts: Attempts;
  readonly #wakeUp: WakeUp;
  readonly #deadLetters: DeadLetterBox;
  readonly #retention: Retention;
  #events: MailboxEvents = silent;

  constructor(shelf: Shelf, commit: GroupCommit, options: EngineOptions) {
    const { clock, random, retentionMs } = options;
    this.#options = options;
    this.#shelf = shelf;
    this.#ledger = new Ledger(shelf, commit);
    this.#wakeUp = new WakeUp(
      clock,
      (now) => this.#onTime(now),
      () => this.#ledger.size,
    );
    const shared = { ledger: this.#ledger, leases: this.#leases, wakeUp: this.#wakeUp };
    this.#offering = new Offering({
      ...shared,
      mail: (mailbox) => this.#events.mail(mailbox),
      hold: (entry, reason) => this.#attempts.hold(entry, reason),
    });
    this.#attempts = new Attempts({
      ...shared,
      clock,
      random,
      offerable: (entry) => this.#offering.offerable(entry),
      held: (entry) => this.#reportHeld(entry),
    });
    this.#deadLetters = new DeadLetterBox({
      ...shared,
      shelf,
      clock,
      offering: this.#offering,
      view: (entry) => this.#view(entry),
    });
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
    await group.done;
    return { outcome: 'stored', status: entry.status };
  }

  assertRoom(mailbox: string, bytes: number): void {
    assertRoomIn(this.#ledger.queues.existing(mailbox), mailbox, bytes, this.#options);
  }

  knows(messageId: string): boolean {
    return this.#ledger.has(messageId);
  }

  async find(messageId: string): Promise<LedgerEntry | undefined> {
    const entry = this.#ledger.find(messageId);
    // What a crash could still undo is not told of yet.
    await entry?.durable;
    return entry && this.#view(entry);
  }

  async take(mailbox: string, max: number, leaseMs: number, consumer: Consumer): Promise<Offer[]> {
    const queue = this.#ledger.queues.existing(mailbox);
    if (!queue || queue.unsettled === queue.inFlight) return [];
    const now = this.#options.clock.now();
    return this.#offering.take(queue, max, now, now + leaseMs, consumer);
  }

  async ack(mailbox: string, messageIds: readonly string[]): Promise<(MessageStatus | undefined)[]> {
    const { statuses, flushed } = this.#attempts.acknowledge(mailbox, messageIds);
    await flushed;
    return statuses;
  }

  async nack(mailbox: string, messageId: string, rejection: Rejection): Promise<MessageStatus | undefined> {
    const entry = this.#leased(mailbox, messageId);
    if (!entry) return undefined;
    await this.#attempts.fail(entry, 'nacked', rejection).done;
    return entry.status;
  }

  extend(mailbox: string, messageId: string, leaseMs: number): boolean {
    const entry = this.#leased(mailbox, messageId);
    if (!entry) return false;
    entry.record.leaseEndsAt = this.#options.clock.now() + leaseMs;
    this.#wakeUp.at(entry.record.leaseEndsAt);
    return true;
  }

  release(connectionId: string): void {
    this.#attempts.putBack(this.#leases.heldBy(connectionId), 'disconnected');
  }

  async reroute(messageId: string, mailbox: string, facts: MessageFacts): Promise<boolean> {
    const entry = this.#unsettled(messageId);
    if (!entry) return false;
    this.#leases.drop(entry);
    const seq = this.#ledger.nextSeq();
    const at = this.#options.clock.now();
    const group = this.#ledger.change({ type: 'moved', ids: [messageId], at, mailbox, seq, facts }, [entry]);
    this.#offering.offerable(entry);
    await group.done;
    return true;
  }

  async bury(messageId: string, reason: string): Promise<boolean> {
    const entry = this.#unsettled(messageId);
    if (!entry) return false;
    this.#leases.drop(entry);
    const at = this.#options.clock.now();
    await this.#ledger.change({ type: 'buried', ids: [messageId], at, reason }, [entry]).done;
    return true;
  }

  deadLetters(after: string | undefined, limit: number): Promise<Page<LedgerEntry>> {
    return this.#deadLetters.list(after, limit);
  }

  redrive(messageId: string, deadline: number): Promise<boolean> {
    return this.#deadLetters.redrive(messageId, deadline);
  }

  discard(messageId: string): Promise<boolean> {
    return this.#deadLetters.discard(messageId);
  }

  stats(mailbox: string): MailboxStats {
    const queue = this.#ledger.queues.existing(mailbox);
    if (!queue) return { queued: 0, inFlight: 0 };
    return { queued: queue.unsettled - queue.inFlight, inFlight: queue.inFlight };
  }

  /** No timer is left; what is in memory goes to the tables. */
  async close(): Promise<void> {
    this.#stopTime();
    this.#events = silent;
    await this.#ledger.writeAll();
  }

  #ready(entry: Entry): void {
    if (entry.record.state !== 'accepted') return;
    entry.record.state = 'ready';
    entry.durable = undefined;
    this.#offering.offerable(entry);
  }

  #leased(mailbox: string, messageId: string): Entry | undefined {
    const entry = this.#ledger.find(messageId);
    return entry?.record.mailbox === mailbox && entry.record.state === 'leased' ? entry : undefined;
  }

  #unsettled(messageId: string): Entry | undefined {
    const entry = this.#ledger.find(messageId);
    return entry && !entry.settled && entry.record.state !== 'accepted' ? this.#ledger.warm(messageId) : undefined;
  }

  #reportHeld(entry: Entry): void {
    this.#events.exhausted(this.#view(entry), entry.record.reason ?? 'unknown');
  }

  #onTime(now: number): void {
    this.#wakeUp.at(sweep(now, this.#shelf, this.#ledger, this.#attempts, this.#offering));
  }

  #stopTime(): void {
    this.#wakeUp.cancel();
    this.#retention.stop();
  }

  /** After a restart: leases of the earlier run end, what was queued is offered again. */
  #resume(): void {
    const interrupted: Entry[] = [];
    for (const entry of this.#ledger.entries()) {
      if (entry.record.state === 'leased') interrupted.push(entry);
      else if (!entry.settled) this.#offering.arrive(this.#ledger.queues.of(entry.record.mailbox), entry);
    }
    this.#attempts.putBack(interrupted, 'interrupted');
    this.#wakeUp.at(this.#options.clock.now());
  }

  #view(entry: Entry): LedgerEntry {
    return ledgerEntryOf(entry, () => this.#ledger.bytesOf(entry));
  }
}
