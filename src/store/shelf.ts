// The tables in which the mailbox engine puts what need not be in memory.
import type { Entry } from './entry.ts';

export interface QueueRow {
  mailbox: string;
  lane: number;
  seq: number;
  deadline: number;
}

export type InstantRow = [instant: number, id: string];

export type LaneSize = [rows: number, bytes: number];

/**
 * Writes are called inside a transaction only; reads see what was flushed.
 * What comes back was checked against its checksum: damage throws STORE_UNREADABLE, it is never returned.
 */
export interface Shelf {
  /** The ledger: one record for each known message id. */
  hasEntry(id: string): boolean;
  readEntry(id: string): Entry | undefined;
  writeEntry(entry: Entry): void;
  removeEntry(id: string): void;
  /** Where there is no journal: forgets what ended before. */
  forgetEndedBefore(instant: number): void;

  /** All that the journal says in front of the mark is in the tables. 0 before the first. */
  readMark(): number;
  writeMark(position: number): void;

  /** Ids of unsettled messages, in the order of their lane. */
  queueRows(mailbox: string, lane: number, fromSeq: number, limit: number): [seq: number, id: string][];
  writeQueueRow(row: QueueRow, id: string): void;
  removeQueueRow(row: QueueRow, id: string): void;
  /** How many queue rows each lane of each mailbox has, and the bytes of their envelopes. */
  laneSizes(): Iterable<[mailbox: string, lanes: LaneSize[]]>;
  writeLaneSizes(mailbox: string, lanes: readonly LaneSize[]): void;
  /** Of the messages with a queue row, by deadline: those behind a row, up to an instant. */
  deadlinesAfter(row: InstantRow, upTo: number, limit: number): InstantRow[];
  nextDeadlineAfter(instant: number): number | undefined;

  /** Messages that wait for their first offer's time, earliest first. */
  dueAfter(row: InstantRow, upTo: number, limit: number): InstantRow[];
  nextDueAfter(instant: number): number | undefined;
  writeDue(dueAt: number, id: string): void;
  removeDue(dueAt: number, id: string): void;

  /** Messages without an attempt left that nobody has decided on. */
  heldIds(): string[];
  writeHeld(id: string): void;
  removeHeld(id: string): void;

  /** Dead letters in the order of their death; `after` is the `next` of an earlier page. */
  deadIds(after: string | undefined, limit: number): { ids: string[]; next?: string };
  writeDead(diedAt: number, id: string): void;
  removeDead(diedAt: number, id: string): void;
}
