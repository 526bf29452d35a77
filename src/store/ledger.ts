// All messages, and how they change: journaled, applied, counted, written behind.
import type { NewMessage } from '../ports/mailbox-store.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { DeferredWrites } from './deferred-writes.ts';
import { Entry, idsOf } from './entry.ts';
import type { Change } from './entry-record.ts';
import type { Group, GroupCommit } from './group-commit.ts';
import type { Journal } from './journal.ts';
import { MailboxQueues } from './mailbox-queue.ts';
import { type RecoveryDeps, recover } from './recovery.ts';
import { SharedValues } from './shared-values.ts';
import type { Shelf } from './shelf.ts';
import type { WakeUp } from './wake-up.ts';
import { WorkingSet } from './working-set.ts';
import { WriteBehind } from './write-behind.ts';

/** What a ledger needs that outlives the process. */
export interface Durability extends Pick<RecoveryDeps, 'restore' | 'writeRow'> {
  journal: Journal;
  checkpoint: Checkpoint;
  deferred: DeferredWrites;
}

interface Durable extends Durability {
  behind: WriteBehind;
}

export class Ledger {
  readonly queues = new MailboxQueues();
  readonly entries: WorkingSet;
  readonly #shared = new SharedValues();
  readonly #shelf: Shelf;
  readonly #commit: GroupCommit;
  readonly #wakeUp: WakeUp;
  /** Absent where nothing is on disk: everything unsettled is in memory then. */
  readonly #durable: Durable | undefined;
  /** Without a journal, what counts in its place. */
  #seq = 0;

  constructor(shelf: Shelf, commit: GroupCommit, wakeUp: WakeUp, durability: Durability | undefined) {
    this.#shelf = shelf;
    this.#commit = commit;
    this.#wakeUp = wakeUp;
    const { queues } = this;
    const endUnderWay = (): Promise<void> | undefined => (durability ? undefined : commit.underWay);
    const entries = new WorkingSet({ shelf, queues, wakeUp, endUnderWay });
    this.entries = entries;
    if (!durability) return;
    const { fileBytes } = durability.journal;
    const behind = new WriteBehind({ shelf, queues, fileBytes, written: (entry) => entries.evict(entry) });
    durability.checkpoint.add(behind);
    this.#durable = { ...durability, behind };
    recover({ ...this.#durable, shelf, queues, entries });
  }

  /** @throws BusError STORE_UNREADABLE where the disk has changed it. */
  bytesOf({ bytes, record }: Entry): Buffer {
    if (bytes) return bytes;
    if (!this.#durable) throw new RangeError('without a journal every envelope is in memory');
    return this.#durable.journal.envelopeAt(record.position);
  }

  /** Larger than every sequence number before; for a change that is made in the same turn. */
  nextSeq(): number {
    return this.#durable ? this.#durable.journal.next : ++this.#seq;
  }

  accept(message: NewMessage): { entry: Entry; group: Group } {
    const group = this.#commit.join();
    const entry = this.#durable
      ? this.#durable.journal.accept(message, (position) => Entry.accept(message, position, position))
      : Entry.accept(message, this.nextSeq(), 0);
    entry.durable = group.done;
    this.entries.keep(entry);
    const queue = this.queues.of(message.mailbox);
    queue.count(entry, 1);
    // One name for all of its messages.
    entry.record.mailbox = queue.name;
    entry.record.retry = this.#shared.retry(message.retry);
    entry.record.facts = this.#shared.facts(message.facts);
    if (this.#durable) this.#durable.behind.mark(entry, this.#durable.journal.block);
    const { messageId, acceptedAt, deliverAt } = message;
    if (deliverAt !== undefined) {
      this.change({ type: 'postponed', ids: [messageId], at: acceptedAt, until: deliverAt }, [entry]);
    }
    return { entry, group };
  }

  /** Applies a change and journals it; the group says when it is flushed. */
  change(change: Change, entries: readonly Entry[]): Group {
    const group = this.#commit.join();
    const position = this.#durable?.journal.change(change) ?? 0;
    for (const entry of entries) {
      const hadEnded = entry.settled;
      const queue = this.queues.of(entry.record.mailbox);
      // Who takes an entry out of its lane offers it.
      const left = entry.record.state === 'ready' && change.type !== 'offered' ? queue.laneFor(entry) : undefined;
      queue.count(entry, -1);
      entry.apply(change);
      left?.forgetOne();
      const { mailbox } = entry.record;
      (mailbox === queue.name ? queue : this.queues.of(mailbox)).count(entry, 1);
      entry.record.asOf = position;
      this.#wakeUp.plan(entry);
      this.#leaveDue(entry);
      if (entry.settled) entry.durable = group.done;
      if (this.#durable) this.#noteChanged(entry, this.#durable);
      else if (entry.settled) this.entries.shelve(entry);
      else if (hadEnded) this.entries.unshelve(entry);
    }
    return group;
  }

  /** The same for a change that brings the entry another envelope. */
  replaceEnvelope(change: Change, entry: Entry, bytes: Buffer): Group {
    const group = this.#commit.join();
    const position = this.#durable?.journal.envelopeChange(change, entry, bytes) ?? 0;
    const queue = this.queues.of(entry.record.mailbox);
    const left = entry.record.state === 'ready' ? queue.laneFor(entry) : undefined;
    queue.count(entry, -1);
    entry.apply(change);
    left?.forgetOne();
    entry.bytes = bytes;
    entry.relocate(position, bytes.length);
    this.queues.of(entry.record.mailbox).count(entry, 1);
    entry.record.asOf = position;
    this.#wakeUp.plan(entry);
    this.#leaveDue(entry);
    if (this.#durable) this.#noteChanged(entry, this.#durable);
    return group;
  }

  /** Forgets dead messages, their ids included; resolves when nothing of them is left. */
  async discard(entries: readonly Entry[]): Promise<void> {
    const group = this.change({ type: 'discarded', ids: idsOf(entries) }, entries);
    await this.forget(entries, group);
  }

  /** Ended messages are unknown from now on; resolves when their records are gone, which they are after the group's flush. */
  async forget(entries: readonly Entry[], after?: Group): Promise<void> {
    for (const entry of entries) {
      this.entries.drop(entry);
      this.#durable?.behind.drop(entry);
    }
    if (!this.#durable) {
      for (const entry of entries) this.entries.unshelve(entry);
      await after?.done;
      return;
    }
    const { deferred, journal, checkpoint, behind } = this.#durable;
    const gone = this.entries.release(idsOf(entries));
    deferred.add(after ? journal.block : 0, () => {
      for (const entry of entries) behind.remove(entry);
    });
    await after?.done;
    await checkpoint.complete(deferred);
    gone();
  }

  /** The tables show everything when it resolves. */
  async writeAll(): Promise<void> {
    if (!this.#durable) return;
    const { checkpoint, behind } = this.#durable;
    await this.#commit.settled();
    await checkpoint.complete(behind);
  }

  /** What is journaled from now on is in another file, which is made at once. */
  beginFile(): void {
    if (!this.#durable) return;
    const { journal } = this.#durable;
    this.#commit.join();
    journal.beginFile();
    journal.openBlock();
  }

  /** The tables get all that is flushed, however little it is. */
  async bringUp(): Promise<void> {
    await this.#durable?.checkpoint.completeAll();
  }

  /** The row of a message that waits for its time is not left behind, however little else becomes of the message. */
  #leaveDue(entry: Entry): void {
    const { dueAt } = entry.rows;
    if (dueAt === undefined || entry.postponed || !this.#durable) return;
    const { deferred, journal } = this.#durable;
    entry.rows = { ...entry.rows, dueAt: undefined };
    deferred.add(journal.block, () => this.#shelf.removeDue(dueAt, entry.record.messageId));
  }

  #noteChanged(entry: Entry, { behind, journal }: Durable): void {
    behind.mark(entry, journal.block);
    // Whoever wants it now waits for the flush, and can read it back then.
    if (entry.settled) entry.bytes = undefined;
  }
}
