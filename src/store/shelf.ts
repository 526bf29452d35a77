// Where the mailbox engine puts what need not be in memory: the journal, and the tables made from it.
import type { Entry } from './entry.ts';

export interface QueueRow {
  mailbox: string;
  lane: number;
  seq: number;
  deadline: number;
}

export type LaneSize = [rows: number, bytes: number];

/**
 * Writes are called inside a group's transaction only; reads see what was flushed.
 * What comes back was checked against its checksum: damage throws STORE_UNREADABLE, it is never returned.
 */
export interface Shelf {
  /** False where nothing can be read back: the engine then keeps every unsettled message in memory. */
  readonly holdsMail: boolean;

  /** The ledger: one record for each known message id. */
  hasEntry(id: string): boolean;
  readEntry(id: string): Entry | undefined;
  writeEntry(entry: Entry): void;
  removeEntry(id: string): void;
  /** Where `holdsMail` is false: forgets what ended before. */
  forgetEndedBefore(instant: number): void;

  /** The journal, in segments of records. */
  readSegment(segment: number): Buffer;
  writeSegment(segment: number, bytes: Buffer): void;
  removeSegment(segment: number): void;
  segmentsAfter(segment: number, limit?: number): Iterable<[segment: number, bytes: Buffer]>;
  lastSegment(): number;
  /** All that segments up to the mark say is in the tables. */
  readMark(): number;
  writeMark(segment: number): void;

  /** Ids of unsettled messages, in the order of their lane. */
  queueRows(mailbox: string, lane: number, fromSeq: number, limit: number): [seq: number, id: string][];
  writeQueueRow(row: QueueRow, id: string): void;
  removeQueueRow(row: QueueRow, id: string): void;
  /** How many queue rows each lane of each mailbox has, and the bytes of their envelopes. */
  laneSizes(): Iterable<[mailbox: string, lanes: LaneSize[]]>;
  writeLaneSizes(mailbox: string, lanes: readonly LaneSize[]): void;
  /** Of the messages with a queue row, by deadline. */
  deadlinesUpTo(instant: number, limit: number): string[];
  nextDeadlineAfter(instant: number): number | undefined;

  /** Messages without an attempt left that nobody has decided on. */
  heldIds(): string[];
  writeHeld(id: string): void;
  removeHeld(id: string): void;

  /** Dead letters in the order of their death; `after` is the `next` of an earlier page. */
  deadIds(after: string | undefined, limit: number): { ids: string[]; next?: string };
  writeDead(diedAt: number, id: string): void;
  removeDead(diedAt: number, id: string): void;
}
