// All messages: those in motion in memory, the rest behind the shelf.
import type { NewMessage } from '../ports/mailbox-store.ts';
import { Entry } from './entry.ts';
import type { Change } from './entry-record.ts';
import type { Group, GroupCommit } from './group-commit.ts';
import { readAcceptedBytes } from './journal-record.ts';
import { type MailboxQueue, MailboxQueues } from './mailbox-queue.ts';
import { recover } from './recovery.ts';
import { SegmentWriter } from './segment-writer.ts';
import type { Shelf } from './shelf.ts';
import { WriteBehind } from './write-behind.ts';

export class Ledger {
  readonly queues = new MailboxQueues();
  readonly #shelf: Shelf;
  readonly #commit: GroupCommit;
  readonly #segments: SegmentWriter;
  readonly #entries = new Map<string, Entry>();
  /** Absent where the shelf holds no mail: everything unsettled is in memory then. */
  readonly #behind: WriteBehind | undefined;
  #cached: { segment: number; bytes: Buffer } | undefined;

  constructor(shelf: Shelf, commit: GroupCommit) {
    this.#shelf = shelf;
    this.#commit = commit;
    // The mark stays where it was when the segments below it are purged.
    this.#segments = new SegmentWriter(Math.max(shelf.lastSegment(), shelf.readMark()));
    if (!shelf.holdsMail) return;
    const written = (entry: Entry): void => this.#evict(entry);
    this.#behind = new WriteBehind({ shelf, commit, segments: this.#segments, queues: this.queues, written });
    recover(shelf, this.queues, this.#entries, {
      find: (id) => this.find(id),
      warm: (id) => this.warm(id),
      changed: (entry, segment) => this.#behind?.mark(entry, segment),
      forgotten: (entry) => this.#drop(entry),
    });
  }

  /** How many entries are in memory. */
  get size(): number {
    return this.#entries.size;
  }

  /** Entries in memory. */
  entries(): Iterable<Entry> {
    return this.#entries.values();
  }

  /** For reading: the entry may not be the one in memory afterwards. */
  find(id: string): Entry | undefined {
    return this.#entries.get(id) ?? this.#shelf.readEntry(id);
  }

  has(id: string): boolean {
    return this.#entries.has(id) || this.#shelf.hasEntry(id);
  }

  /** For changing: the entry is in memory from now on. */
  warm(id: string): Entry | undefined {
    const known = this.#entries.get(id);
    if (known) return known;
    const entry = this.#shelf.readEntry(id);
    if (!entry) return undefined;
    this.#entries.set(id, entry);
    const { queue } = entry.rows;
    const lane = queue && this.queues.of(queue.mailbox).lanes[queue.lane];
    if (lane) lane.warmRows++;
    return entry;
  }

  /** @throws BusError STORE_UNREADABLE where the disk has changed it. */
  bytesOf(entry: Entry): Buffer {
    if (entry.bytes) return entry.bytes;
    const { segment, offset } = entry.record;
    if (this.#cached?.segment !== segment) this.#cached = { segment, bytes: this.#shelf.readSegment(segment) };
    return readAcceptedBytes(this.#cached.bytes, offset);
  }

  /** Larger than every sequence number before. */
  nextSeq(): number {
    return this.#segments.nextSeq();
  }

  accept(message: NewMessage): { entry: Entry; group: Group } {
    const group = this.#commit.join();
    const entry = this.#behind
      ? this.#segments.accept(message, (seq, segment, offset) => Entry.accept(message, seq, segment, offset))
      : Entry.accept(message, this.nextSeq(), 0, 0);
    entry.durable = group.done;
    this.#entries.set(message.messageId, entry);
    this.queues.count(entry, 1);
    this.#behind?.mark(entry, entry.record.segment);
    return { entry, group };
  }

  /** Applies a change and journals it; the group says when it is flushed. */
  change(change: Change, entries: readonly Entry[]): Group {
    const group = this.#commit.join();
    const segment = this.#behind ? this.#segments.change(change) : 0;
    for (const entry of entries) {
      const hadEnded = entry.settled;
      this.queues.count(entry, -1);
      entry.apply(change);
      this.queues.count(entry, 1);
      if (entry.settled) entry.durable = group.done;
      if (this.#behind) this.#behind.mark(entry, segment);
      else if (entry.settled) this.#shelve(entry);
      else if (hadEnded) this.unshelve(entry);
    }
    if (change.type === 'discarded') {
      for (const entry of entries) {
        this.#drop(entry);
        if (this.#behind) group.write(() => this.unshelve(entry));
        else this.unshelve(entry);
      }
    }
    return group;
  }

  /** Brings the oldest cold messages of a lane back into memory; false where there are none. */
  refill(queue: MailboxQueue, laneIndex: number, limit: number, arrived: (entry: Entry) => void): boolean {
    const lane = queue.lanes[laneIndex];
    if (!lane || lane.coldRows === 0) return false;
    const from = Number.isFinite(lane.coldFrom) ? lane.coldFrom : 0;
    const rows = this.#shelf.queueRows(queue.name, laneIndex, from, limit);
    let found = false;
    for (const [seq, id] of rows) {
      lane.coldFrom = seq + 1;
      if (this.#entries.has(id)) continue;
      const entry = this.warm(id);
      if (!entry || entry.settled || entry.record.seq !== seq || entry.record.mailbox !== queue.name) continue;
      arrived(entry);
      found = true;
    }
    if (rows.length < limit) lane.coldFrom = Number.POSITIVE_INFINITY;
    return found || rows.length === limit;
  }

  /** The tables show everything when it resolves. */
  async writeAll(): Promise<void> {
    await this.#behind?.writeAll();
  }

  /** What is written of an ended message is gone. */
  unshelve(entry: Entry): void {
    if (entry.rows.diedAt !== undefined) this.#shelf.removeDead(entry.rows.diedAt, entry.record.messageId);
    this.#shelf.removeEntry(entry.record.messageId);
    entry.rows = {};
  }

  /** Without a journal: what ended leaves memory for the shelf at once. */
  #shelve(entry: Entry): void {
    const { messageId, state, settledAt = 0 } = entry.record;
    this.#shelf.writeEntry(entry);
    this.#entries.delete(messageId);
    if (state !== 'dead') return;
    this.#shelf.writeDead(settledAt, messageId);
    entry.rows.diedAt = settledAt;
  }

  /** After its flush: what ended leaves memory, what waits for a taker becomes cold. */
  #evict(entry: Entry): void {
    const { messageId, mailbox, state, seq } = entry.record;
    if (!entry.settled) {
      entry.bytes = undefined;
      if (state !== 'ready') return;
      entry.evicted = true;
      const lane = this.queues.of(mailbox).laneFor(entry);
      lane.warmRows--;
      lane.coldFrom = Math.min(lane.coldFrom, seq);
      lane.forgetOne();
    }
    entry.evicted = true;
    this.#entries.delete(messageId);
  }

  #drop(entry: Entry): void {
    entry.evicted = true;
    this.#entries.delete(entry.record.messageId);
    this.#behind?.drop(entry);
  }
}
