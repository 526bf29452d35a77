// Brings messages to the tables: ended ones in sorted batches, the rest by age.
import type { CheckpointPart } from './checkpoint.ts';
import type { Entry } from './entry.ts';
import { type EntryRows, noRows } from './entry-record.ts';
import { bytesBetween } from './journal-position.ts';
import type { MailboxQueue, MailboxQueues } from './mailbox-queue.ts';
import type { Shelf } from './shelf.ts';

/** What has not ended after so many bytes of journal goes to the tables; a restart replays about as many. */
const replayedBytes = 4 * 2 ** 20;
/** It goes together with what is younger by so much. */
const togetherBytes = 512 * 1024;
/** Neighbours in the table share a page. */
const endedBatch = 512;

export interface WriteBehindDeps {
  shelf: Shelf;
  queues: MailboxQueues;
  /** Size of a journal file. */
  fileBytes: number;
  /** The tables show the entry as it is, and are flushed. */
  written: (entry: Entry) => void;
}

export class WriteBehind implements CheckpointPart {
  readonly #deps: WriteBehindDeps;
  /** Entries that the tables do not show as they are, oldest change first. */
  readonly #dirty = new Set<Entry>();
  #ended: Entry[] = [];
  #writing: Entry[] = [];
  readonly #touched = new Set<MailboxQueue>();

  constructor(deps: WriteBehindDeps) {
    this.#deps = deps;
  }

  /** The entry was changed in this block. */
  mark(entry: Entry, block: number): void {
    if (entry.dirtySince === undefined) {
      entry.dirtySince = block;
      this.#dirty.add(entry);
    }
    if (entry.settled) this.#ended.push(entry);
  }

  /** The entry need not be written any more. */
  drop(entry: Entry): void {
    this.#dirty.delete(entry);
    entry.dirtySince = undefined;
  }

  /** In a transaction of the tables: nothing of the entry is left in them. */
  remove(entry: Entry): void {
    this.#deps.shelf.removeEntry(entry.record.messageId);
    this.#setRows(entry, noRows);
  }

  oldest(): number | undefined {
    const [oldest] = this.#dirty;
    return oldest?.dirtySince;
  }

  isDue(flushed: number): boolean {
    const oldest = this.oldest();
    return this.#ended.length >= endedBatch || (oldest !== undefined && this.#age(oldest, flushed) > replayedBytes);
  }

  write(flushed: number, all: boolean): void {
    this.#writing = this.#due(flushed, all);
    for (const entry of this.#writing) this.#writeTables(entry);
    this.writeLaneSizes();
  }

  /** In a transaction of the tables: the counts of their rows. */
  writeLaneSizes(): void {
    const { shelf } = this.#deps;
    for (const { name, lanes } of this.#touched) {
      shelf.writeLaneSizes(
        name,
        lanes.map(({ rows, rowBytes }) => [rows, rowBytes]),
      );
    }
    this.#touched.clear();
  }

  written(): void {
    for (const entry of this.#writing) {
      if (entry.dirtySince === undefined && !entry.evicted) this.#deps.written(entry);
    }
    this.#writing = [];
  }

  /** Entries whose turn it is, in the order of the table. What is not flushed yet waits for a later turn. */
  #due(flushed: number, all: boolean): Entry[] {
    const due: Entry[] = [];
    const isFlushed = (entry: Entry): boolean => entry.record.asOf < flushed;
    const add = (entry: Entry): void => {
      if (!this.#dirty.delete(entry)) return;
      entry.dirtySince = undefined;
      due.push(entry);
    };
    if (all || this.#ended.length >= endedBatch) {
      const ended = this.#ended;
      this.#ended = ended.filter((entry) => !isFlushed(entry));
      for (const entry of ended) if (isFlushed(entry)) add(entry);
    }
    for (const entry of this.#dirty) {
      const { dirtySince = flushed } = entry;
      if (!all && this.#age(dirtySince, flushed) + togetherBytes < replayedBytes) break;
      if (isFlushed(entry)) add(entry);
    }
    return due.sort((a, b) => (a.record.messageId < b.record.messageId ? -1 : 1));
  }

  /** The record of the entry, and the rows of the indexes that it belongs in now. */
  #writeTables(entry: Entry): void {
    this.#deps.shelf.writeEntry(entry);
    this.#setRows(entry, entry.wantedRows);
  }

  /** The rows of the indexes become these. */
  #setRows(entry: Entry, rows: EntryRows): void {
    const { shelf } = this.#deps;
    const { messageId } = entry.record;
    const { queue, dueAt, held = false, diedAt } = rows;
    const old = entry.rows;
    if (!isSameRow(old.queue, queue)) {
      if (old.queue) {
        shelf.removeQueueRow(old.queue, messageId);
        this.#countRow(old.queue, -1);
      }
      if (queue) {
        shelf.writeQueueRow(queue, messageId);
        this.#countRow(queue, 1);
      }
    }
    if (dueAt !== old.dueAt) {
      if (old.dueAt !== undefined) shelf.removeDue(old.dueAt, messageId);
      if (dueAt !== undefined) shelf.writeDue(dueAt, messageId);
    }
    if (held && !old.held) shelf.writeHeld(messageId);
    if (!held && old.held) shelf.removeHeld(messageId);
    if (diedAt !== old.diedAt) {
      if (old.diedAt !== undefined) shelf.removeDead(old.diedAt, messageId);
      if (diedAt !== undefined) shelf.writeDead(diedAt, messageId);
    }
    entry.rows = rows;
  }

  #countRow(row: { mailbox: string; lane: number; size: number }, by: 1 | -1): void {
    const queue = this.#deps.queues.of(row.mailbox);
    const lane = queue.lanes[row.lane];
    if (!lane) return;
    lane.rows += by;
    lane.rowBytes += by * row.size;
    lane.warmRows += by;
    this.#touched.add(queue);
  }

  #age(position: number, flushed: number): number {
    return bytesBetween(position, flushed, this.#deps.fileBytes);
  }
}

/** The deadline has a row of its own beside that of the queue. */
function isSameRow(a: EntryRows['queue'], b: EntryRows['queue']): boolean {
  return a?.mailbox === b?.mailbox && a?.lane === b?.lane && a?.seq === b?.seq && a?.deadline === b?.deadline;
}
