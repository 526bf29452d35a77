// All messages: those in motion in memory, the rest behind the shelf, written there in the background of later commits.
import type { NewMessage } from '../ports/mailbox-store.ts';
import { type Change, Entry } from './entry.ts';
import type { Group, GroupCommit } from './group-commit.ts';
import { readAcceptedBytes, readRecords } from './journal-record.ts';
import { MailboxQueue } from './mailbox-queue.ts';
import { SegmentWriter } from './segment-writer.ts';
import type { Shelf } from './shelf.ts';

/** Entries older than so many segments go to the tables; a restart replays about as many. */
const replayedSegments = 64;
/** Ended messages are written in sorted batches: neighbours in the table share a page. */
const endedBatch = 512;

export class Ledger {
  readonly #shelf: Shelf;
  readonly #commit: GroupCommit;
  readonly #segments: SegmentWriter;
  readonly #entries = new Map<string, Entry>();
  readonly #queues = new Map<string, MailboxQueue>();
  /** Entries that the tables do not show as they are, oldest change first. */
  readonly #dirty = new Set<Entry>();
  #ended: Entry[] = [];
  readonly #touchedQueues = new Set<MailboxQueue>();
  #cached: { segment: number; bytes: Buffer } | undefined;

  constructor(shelf: Shelf, commit: GroupCommit) {
    this.#shelf = shelf;
    this.#commit = commit;
    this.#segments = new SegmentWriter(shelf.lastSegment());
    if (!shelf.holdsMail) return;
    this.#recover();
    commit.beforeWrite((group) => this.#writeBehind(group));
  }

  queue(name: string): MailboxQueue {
    let queue = this.#queues.get(name);
    if (!queue) {
      queue = new MailboxQueue(name);
      this.#queues.set(name, queue);
    }
    return queue;
  }

  /** Mailboxes that hold nothing need not be remembered. */
  forgetEmptyQueues(): void {
    for (const [name, queue] of this.#queues) {
      if (queue.unsettled === 0 && queue.lanes.every((lane) => lane.rows === 0)) this.#queues.delete(name);
    }
  }

  existingQueue(name: string): MailboxQueue | undefined {
    return this.#queues.get(name);
  }

  /** Entries in memory. */
  entries(): Iterable<Entry> {
    return this.#entries.values();
  }

  /** For reading: the entry may not be the one in memory afterwards. */
  find(id: string): Entry | undefined {
    return this.#entries.get(id) ?? this.#shelf.readEntry(id);
  }

  /** For changing: the entry is in memory from now on. */
  warm(id: string): Entry | undefined {
    const known = this.#entries.get(id);
    if (known) return known;
    const entry = this.#shelf.readEntry(id);
    if (!entry) return undefined;
    this.#entries.set(id, entry);
    const { queue } = entry.rows;
    const lane = queue && this.queue(queue.mailbox).lanes[queue.lane];
    if (lane) lane.warmRows++;
    return entry;
  }

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
    const entry = this.#shelf.holdsMail
      ? this.#segments.accept(message, (seq, segment, offset) => Entry.accept(message, seq, segment, offset))
      : Entry.accept(message, this.#segments.nextSeq(), 0, 0);
    entry.durable = group.done;
    this.#entries.set(message.messageId, entry);
    this.#count(entry, 1);
    this.#markDirty(entry, entry.record.segment);
    return { entry, group };
  }

  /** Applies a change and journals it; the group says when it is flushed. */
  change(change: Change, entries: readonly Entry[]): Group {
    const group = this.#commit.join();
    if (this.#shelf.holdsMail) this.#segments.change(change);
    const segment = this.#segments.current;
    for (const entry of entries) {
      this.#count(entry, -1);
      entry.apply(change);
      this.#count(entry, 1);
      this.#markDirty(entry, segment);
      if (entry.settled) this.#retire(entry);
      else if (change.type === 'redriven' && !this.#shelf.holdsMail) this.unshelve(entry);
    }
    if (change.type === 'discarded') for (const entry of entries) this.#forget(entry, group);
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

  #count(entry: Entry, by: 1 | -1): void {
    if (entry.settled) return;
    const queue = this.queue(entry.record.mailbox);
    queue.unsettled += by;
    queue.bytes += by * entry.record.size;
    if (entry.record.state === 'leased') queue.inFlight += by;
  }

  #markDirty(entry: Entry, segment: number): void {
    if (entry.dirtySince !== undefined) return;
    entry.dirtySince = segment;
    if (this.#shelf.holdsMail) this.#dirty.add(entry);
  }

  /** Ended: the tables take it over, here or with the next commits. */
  #retire(entry: Entry): void {
    if (this.#shelf.holdsMail) {
      this.#ended.push(entry);
      return;
    }
    const { messageId, state, settledAt = 0 } = entry.record;
    this.#shelf.writeEntry(entry);
    this.#entries.delete(messageId);
    if (state !== 'dead') return;
    this.#shelf.writeDead(settledAt, messageId);
    entry.rows.diedAt = settledAt;
  }

  /** What `#retire` and `#writeTables` wrote of an ended message is gone. */
  unshelve(entry: Entry): void {
    if (entry.rows.diedAt !== undefined) this.#shelf.removeDead(entry.rows.diedAt, entry.record.messageId);
    this.#shelf.removeEntry(entry.record.messageId);
    entry.rows = {};
  }

  #forget(entry: Entry, group: Group): void {
    this.#drop(entry);
    if (this.#shelf.holdsMail) group.write(() => this.unshelve(entry));
    else this.unshelve(entry);
  }

  #drop(entry: Entry): void {
    entry.evicted = true;
    this.#entries.delete(entry.record.messageId);
    this.#dirty.delete(entry);
  }

  // --- write-behind ---

  #writeBehind(group: Group): void {
    const current = this.#segments.current;
    const segments = this.#segments.pack();
    const due = this.#due(current);
    const [oldest] = this.#dirty;
    const mark = oldest?.dirtySince === undefined ? current : oldest.dirtySince - 1;
    group.write(() => {
      for (const { number, bytes } of segments) this.#shelf.writeSegment(number, bytes);
      for (const entry of due) this.#writeTables(entry);
      for (const queue of this.#touchedQueues) {
        this.#shelf.writeLaneSizes(
          queue.name,
          queue.lanes.map(({ rows, rowBytes }) => [rows, rowBytes]),
        );
      }
      this.#touchedQueues.clear();
      if (due.length > 0) this.#shelf.writeMark(mark);
    });
    group.afterFlush(() => {
      for (const entry of due) this.#evict(entry);
    });
  }

  /** Entries whose turn it is: a full batch of ended ones, and whatever is older than the replay window. */
  #due(current: number): Entry[] {
    const due = new Set<Entry>();
    if (this.#ended.length >= endedBatch) {
      for (const entry of this.#ended) if (this.#dirty.has(entry)) due.add(entry);
      this.#ended = [];
    }
    for (const entry of this.#dirty) {
      if (entry.dirtySince === undefined || entry.dirtySince + replayedSegments > current) break;
      due.add(entry);
    }
    for (const entry of due) {
      this.#dirty.delete(entry);
      entry.dirtySince = undefined;
      entry.record.asOf = current;
    }
    return [...due].sort((a, b) => (a.record.messageId < b.record.messageId ? -1 : 1));
  }

  #writeTables(entry: Entry): void {
    const { messageId, mailbox, seq, deadline, state, settledAt } = entry.record;
    this.#shelf.writeEntry(entry);
    const old = entry.rows;
    const queue = entry.settled ? undefined : { mailbox, lane: entry.lane, seq, deadline };
    const sameRow = queue && old.queue?.mailbox === mailbox && old.queue.seq === seq && old.queue.deadline === deadline;
    if (!sameRow) {
      if (old.queue) {
        this.#shelf.removeQueueRow(old.queue, messageId);
        this.#countRow(old.queue.mailbox, old.queue.lane, -1, entry.record.size);
      }
      if (queue) {
        this.#shelf.writeQueueRow(queue, messageId);
        this.#countRow(mailbox, entry.lane, 1, entry.record.size);
      }
    }
    const held = state === 'held';
    if (held !== (old.held ?? false)) {
      if (held) this.#shelf.writeHeld(messageId);
      else this.#shelf.removeHeld(messageId);
    }
    const diedAt = state === 'dead' ? settledAt : undefined;
    if (diedAt !== old.diedAt) {
      if (old.diedAt !== undefined) this.#shelf.removeDead(old.diedAt, messageId);
      if (diedAt !== undefined) this.#shelf.writeDead(diedAt, messageId);
    }
    entry.rows = { queue, held, diedAt };
  }

  #countRow(mailbox: string, laneIndex: number, by: 1 | -1, bytes: number): void {
    const queue = this.queue(mailbox);
    const lane = queue.lanes[laneIndex];
    if (!lane) return;
    lane.rows += by;
    lane.rowBytes += by * bytes;
    lane.warmRows += by;
    this.#touchedQueues.add(queue);
  }

  /** After its flush: what ended leaves memory, what waits for a taker becomes cold. */
  #evict(entry: Entry): void {
    const { messageId, state, seq } = entry.record;
    if (entry.dirtySince !== undefined || entry.evicted) return;
    if (!entry.settled) {
      entry.bytes = undefined;
      if (state !== 'ready') return;
      const lane = this.queue(entry.record.mailbox).laneFor(entry);
      lane.warmRows--;
      lane.coldFrom = Math.min(lane.coldFrom, seq);
    }
    entry.evicted = true;
    this.#entries.delete(messageId);
  }

  /** Writes everything to the tables, whatever its age: before a reading of the tables, or at the end. */
  async writeAll(): Promise<void> {
    if (!this.#shelf.holdsMail) return;
    for (const entry of this.#dirty) entry.dirtySince = Number.NEGATIVE_INFINITY;
    if (this.#dirty.size > 0) await this.#commit.join().done;
  }

  // --- recovery ---

  #recover(): void {
    for (const [name, sizes] of this.#shelf.laneSizes()) {
      const queue = this.queue(name);
      for (const [index, lane] of queue.lanes.entries()) {
        [lane.rows, lane.rowBytes] = sizes[index] ?? [0, 0];
        lane.coldFrom = 0;
        queue.unsettled += lane.rows;
        queue.bytes += lane.rowBytes;
      }
    }
    for (const [segment, bytes] of this.#shelf.segmentsAfter(this.#shelf.readMark())) this.#replay(segment, bytes);
    for (const entry of this.#entries.values()) {
      // Counted above by its row, wherever that lies; counted now by where it is.
      if (entry.rows.queue) {
        const queue = this.queue(entry.rows.queue.mailbox);
        queue.unsettled--;
        queue.bytes -= entry.record.size;
      }
      this.#count(entry, 1);
      if (entry.record.state === 'accepted') entry.record.state = 'ready';
      if (entry.settled) this.#ended.push(entry);
    }
  }

  #replay(segment: number, bytes: Buffer): void {
    for (const record of readRecords(bytes)) {
      if (record.kind === 'accepted') {
        const { seq, ...message } = record.head;
        if (this.find(message.messageId)) continue;
        const entry = Entry.accept({ ...message, bytes: record.bytes }, seq, segment, record.offset);
        entry.bytes = undefined;
        this.#entries.set(message.messageId, entry);
        this.#markDirty(entry, segment);
        continue;
      }
      for (const id of record.change.ids) {
        const entry = this.warm(id);
        if (!entry || entry.record.asOf >= segment) continue;
        if (record.change.type === 'discarded') {
          this.#drop(entry);
          continue;
        }
        entry.apply(record.change);
        this.#markDirty(entry, segment);
      }
    }
  }
}
