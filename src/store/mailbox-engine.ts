// The embedded mailbox store: the port over a ledger that is in memory where it is hot.
import type {
  Consumer,
  CopiesEnqueued,
  DeadLetters,
  Detour,
  Enqueued,
  Glimpse,
  LedgerEntry,
  MailboxEvents,
  MailboxStats,
  MailboxStore,
  NewMessage,
  Notice,
  Offer,
  Rejection,
} from '../ports/mailbox-store.ts';
import type { MessageStatus } from '../protocol/types.gen.ts';
import { Acceptance } from './acceptance.ts';
import { Attempts } from './attempts.ts';
import { DeadLetterBox } from './dead-letter-box.ts';
import type { EngineOptions } from './engine-options.ts';
import type { Entry } from './entry.ts';
import type { Change } from './entry-record.ts';
import { glimpseOf, ledgerEntryOf } from './entry-view.ts';
import type { GroupCommit } from './group-commit.ts';
import { Leases } from './leases.ts';
import { type Durability, Ledger } from './ledger.ts';
import { assertRoomIn } from './limits.ts';
import { Offering } from './offering.ts';
import { Retention } from './retention.ts';
import type { Shelf } from './shelf.ts';
import { Sweep } from './sweep.ts';
import { WakeUp } from './wake-up.ts';

const silent: MailboxEvents = {
  mail: () => undefined,
  retried: () => undefined,
  exhausted: () => undefined,
  damaged: () => undefined,
};

export class MailboxEngine implements MailboxStore {
  readonly #options: EngineOptions;
  readonly #shelf: Shelf;
  readonly #ledger: Ledger;
  readonly #leases = new Leases();
  readonly #offering: Offering;
  readonly #acceptance: Acceptance;
  readonly #attempts: Attempts;
  readonly #wakeUp: WakeUp;
  readonly #deadLetters: DeadLetterBox;
  readonly #sweep: Sweep;
  readonly #retention: Retention;
  #events: MailboxEvents = silent;

  /** Without `durability` nothing outlives the process. */
  constructor(shelf: Shelf, commit: GroupCommit, options: EngineOptions, durability?: Durability) {
    const { clock, random, retentionMs } = options;
    this.#options = options;
    this.#shelf = shelf;
    this.#wakeUp = new WakeUp(clock, (now) => this.#wakeUp.at(this.#sweep.run(now)));
    this.#ledger = new Ledger(shelf, commit, this.#wakeUp, durability);
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
      retried: (entry) => this.#events.retried(this.#view(entry)),
    });
    this.#acceptance = new Acceptance({
      ledger: this.#ledger,
      offering: this.#offering,
      clock,
      view: (entry) => this.#view(entry),
      assertRoom: (mailbox, bytes) => this.assertRoom(mailbox, bytes),
    });
    this.#deadLetters = new DeadLetterBox({
      ...shared,
      shelf,
      clock,
      offering: this.#offering,
      accept: (message) => this.#acceptance.accept(message),
      assertRoom: (mailbox, bytes) => this.assertRoom(mailbox, bytes),
      view: (entry) => this.#view(entry),
    });
    const { journal } = durability ?? {};
    this.#retention = new Retention({ shelf, ledger: this.#ledger, clock, keepMs: retentionMs, journal });
    this.#sweep = new Sweep({ ...shared, shelf, attempts: this.#attempts, offering: this.#offering });
    commit.beforeWrite(() => this.#offering.announce());
    commit.onFailure(() => this.#stopTime());
    this.#resume();
  }

  listen(events: MailboxEvents): void {
    this.#events = events;
    this.#ledger.entries.damage.listen((id, error) => events.damaged(id, error));
    for (const id of this.#shelf.heldIds()) this.#ledger.entries.tryWarm(id);
    for (const entry of [...this.#ledger.entries.all()]) {
      if (entry.record.state === 'held') this.#reportHeld(entry);
    }
  }

  enqueue(message: NewMessage): Promise<Enqueued> {
    return this.#acceptance.enqueue(message);
  }

  enqueueCopies(record: NewMessage, copies: readonly NewMessage[]): Promise<CopiesEnqueued> {
    return this.#acceptance.enqueueCopies(record, copies);
  }

  assertRoom(mailbox: string, bytes: number): void {
    assertRoomIn(this.#ledger.queues.existing(mailbox), mailbox, bytes, this.#options);
  }

  knows(messageId: string): boolean {
    return this.#ledger.entries.has(messageId);
  }

  glimpse(messageId: string): Glimpse | undefined {
    const entry = this.#ledger.entries.tryFind(messageId);
    return entry && glimpseOf(entry);
  }

  async find(messageId: string): Promise<LedgerEntry | undefined> {
    const entry = this.#ledger.entries.find(messageId);
    // What a crash could still undo is not told of yet.
    await entry?.durable;
    return entry && this.#view(entry);
  }

  take(mailbox: string, max: number, leaseMs: number, consumer: Consumer): Promise<Offer[]> {
    const queue = this.#ledger.queues.existing(mailbox);
    if (!queue || queue.unsettled === queue.inFlight) return Promise.resolve([]);
    const now = this.#options.clock.now();
    return this.#offering.take(queue, max, now, { consumer, leaseMs });
  }

  ack(mailbox: string, messageIds: readonly string[]): Promise<(MessageStatus | undefined)[]> {
    return this.#attempts.acknowledge(mailbox, messageIds);
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
    this.#wakeUp.plan(entry);
    return true;
  }

  release(connectionId: string, messageIds?: readonly string[]): void {
    const held = this.#leases.heldBy(connectionId);
    const released = messageIds ? held.filter(({ record }) => messageIds.includes(record.messageId)) : held;
    this.#attempts.putBack(released, 'disconnected');
  }

  async reroute(messageId: string, { mailbox, facts, bytes, deadline }: Detour): Promise<boolean> {
    const entry = this.#unsettled(messageId);
    if (!entry) return false;
    this.#leases.drop(entry);
    const seq = this.#ledger.nextSeq();
    const at = this.#options.clock.now();
    const until = deadline === undefined ? {} : { deadline };
    const change: Change = { type: 'moved', ids: [messageId], at, mailbox, seq, facts, ...until };
    const group = bytes ? this.#ledger.replaceEnvelope(change, entry, bytes) : this.#ledger.change(change, [entry]);
    this.#offering.offerable(entry);
    await group.done;
    return true;
  }

  bury(messageId: string, reason: string, notice?: Notice): Promise<boolean> {
    return this.#deadLetters.bury(this.#unsettled(messageId), reason, notice);
  }

  deadLetters(after: string | undefined, limit: number): Promise<DeadLetters> {
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

  #leased(mailbox: string, messageId: string): Entry | undefined {
    const entry = this.#ledger.entries.find(messageId);
    return entry?.record.mailbox === mailbox && entry.record.state === 'leased' ? entry : undefined;
  }

  #unsettled(messageId: string): Entry | undefined {
    const entry = this.#ledger.entries.find(messageId);
    return entry && !entry.settled ? this.#ledger.entries.warm(messageId) : undefined;
  }

  #reportHeld(entry: Entry): void {
    this.#events.exhausted(this.#view(entry), entry.record.reason ?? 'unknown');
  }

  #stopTime(): void {
    this.#wakeUp.cancel();
    this.#retention.stop();
  }

  /** After a restart: leases of the earlier run end, what was queued is offered again. */
  #resume(): void {
    const interrupted: Entry[] = [];
    for (const entry of this.#ledger.entries.all()) {
      if (entry.record.state === 'leased') interrupted.push(entry);
      else if (!entry.settled) this.#offering.arrive(entry);
    }
    this.#attempts.putBack(interrupted, 'interrupted');
    this.#wakeUp.at(this.#options.clock.now());
  }

  #view(entry: Entry): LedgerEntry {
    return ledgerEntryOf(entry, () => this.#ledger.bytesOf(entry));
  }
}
