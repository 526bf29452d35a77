// Brings what memory knows to the tables in the background of later commits: ended messages in sorted batches, the rest by age.
import type { Entry } from './entry.ts';
import type { Group, GroupCommit } from './group-commit.ts';
import type { MailboxQueue, MailboxQueues } from './mailbox-queue.ts';
import type { SegmentWriter } from './segment-writer.ts';
import type { Shelf } from './shelf.ts';

/** Entries older than so many segments go to the tables; a restart replays about as many. */
const replayedSegments = 64;
/** Neighbours in the table share a page. */
const endedBatch = 512;

export interface WriteBehindDeps {
  shelf: Shelf;
  commit: GroupCommit;
  segments: SegmentWriter;
  queues: MailboxQueues;
  /** The tables show the entry as it is, and are flushed. */
  written: (entry: Entry) => void;
}

export class WriteBehind {
  readonly #deps: WriteBehindDeps;
  /** Entries that the tables do not show as they are, oldest change first. */
  readonly #dirty = new Set<Entry>();
  #ended: Entry[] = [];
  readonly #touched = new Set<MailboxQueue>();

  constructor(deps: WriteBehindDeps) {
    this.#deps = deps;
    deps.commit.beforeWrite((group) => this.#write(group));
  }

  /** The entry was changed in this segment. */
  mark(entry: Entry, segment: number): void {
    if (entry.dirtySince === undefined) {
      entry.dirtySince = segment;
      this.#dirty.add(entry);
    }
    if (entry.settled) this.#ended.push(entry);
  }

  /** The entry need not be written any more. */
  drop(entry: Entry): void {
    this.#dirty.delete(entry);
  }

  /** Writes everything, whatever its age: before a reading of the tables, or at the end. */
  async writeAll(): Promise<void> {
    for (const entry of this.#dirty) entry.dirtySince = Number.NEGATIVE_INFINITY;
    if (this.#dirty.size > 0) await this.#deps.commit.join().done;
  }

  #write(group: Group): void {
    const { shelf, segments, written } = this.#deps;
    const packed = segments.pack();
    const current = segments.last;
    const due = this.#due(current);
    const [oldest] = this.#dirty;
    const mark = oldest?.dirtySince === undefined ? current : oldest.dirtySince - 1;
    group.write(() => {
      for (const { number, bytes } of packed) shelf.writeSegment(number, bytes);
      for (const entry of due) this.#writeTables(entry);
      for (const { name, lanes } of this.#touched) {
        shelf.writeLaneSizes(
          name,
          lanes.map(({ rows, rowBytes }) => [rows, rowBytes]),
        );
      }
      this.#touched.clear();
      if (due.length > 0) shelf.writeMark(mark);
    });
    group.afterFlush(() => {
      for (const entry of due) if (entry.dirtySince === undefined && !entry.evicted) written(entry);
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

  /** The record of the entry, and the rows of the indexes that it belongs in now. */
  #writeTables(entry: Entry): void {
    const { shelf } = this.#deps;
    const { messageId, mailbox, seq, deadline, state, settledAt, size } = entry.record;
    shelf.writeEntry(entry);
    const old = entry.rows;
    const queue = entry.settled ? undefined : { mailbox, lane: entry.lane, seq, deadline };
    const isSameRow = old.queue?.mailbox === mailbox && old.queue.seq === seq && old.queue.deadline === deadline;
    if (!queue || !isSameRow) {
      if (old.queue) {
        shelf.removeQueueRow(old.queue, messageId);
        this.#countRow(old.queue, -1, size);
      }
      if (queue) {
        shelf.writeQueueRow(queue, messageId);
        this.#countRow(queue, 1, size);
      }
    }
    const held = state === 'held';
    if (held && !old.held) shelf.writeHeld(messageId);
    if (!held && old.held) shelf.removeHeld(messageId);
    const diedAt = state === 'dead' ? settledAt : undefined;
    if (diedAt !== old.diedAt) {
      if (old.diedAt !== undefined) shelf.removeDead(old.diedAt, messageId);
      if (diedAt !== undefined) shelf.writeDead(diedAt, messageId);
    }
    entry.rows = { queue, held, diedAt };
  }

  #countRow(row: { mailbox: string; lane: number }, by: 1 | -1, bytes: number): void {
    const queue = this.#deps.queues.of(row.mailbox);
    const lane = queue.lanes[row.lane];
    if (!lane) return;
    lane.rows += by;
    lane.rowBytes += by * bytes;
    lane.warmRows += by;
    this.#touched.add(queue);
  }
}
