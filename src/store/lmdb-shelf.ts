// The journal and the mailbox tables in LMDB.
import { BusError } from '../protocol/errors.ts';
import { ByteReader, ByteWriter } from './byte-writer.ts';
import { Entry } from './entry.ts';
import { readEntry, writeEntry } from './entry-codec.ts';
import { type LmdbEnvironment, type Table, unwatched } from './lmdb-environment.ts';
import { seal, sealInto, unseal, unsealBytes } from './sealed.ts';
import type { LaneSize, QueueRow, Shelf } from './shelf.ts';

const nothing = Buffer.alloc(0);
const last = Number.MAX_SAFE_INTEGER;
const recordsPerBuffer = 48 * 1024;
/** What an entry usually takes. */
const entryBytes = 1_024;

export class LmdbShelf implements Shelf {
  readonly holdsMail = true;
  readonly #ledger: Table;
  readonly #journal: Table;
  readonly #queues: Table;
  readonly #deadlines: Table;
  readonly #lanes: Table;
  readonly #held: Table;
  readonly #dead: Table;
  readonly #marks: Table;
  #records = new ByteWriter();

  constructor({ table }: LmdbEnvironment) {
    this.#ledger = table('ledger');
    this.#journal = table('journal');
    this.#queues = table('queues');
    this.#deadlines = table('deadlines');
    this.#lanes = table('lanes');
    this.#held = table('held');
    this.#dead = table('dead');
    this.#marks = table('marks');
  }

  hasEntry(id: string): boolean {
    return this.#ledger.doesExist(id);
  }

  readEntry(id: string): Entry | undefined {
    const sealed = this.#ledger.getBinaryFast(id);
    return sealed && Entry.load(readEntry(new ByteReader(unsealBytes(sealed, `of message ${id}`))));
  }

  writeEntry(entry: Entry): void {
    // A record that has been handed over stays where it is until it is written; one buffer serves many.
    if (this.#records.size > recordsPerBuffer) this.#records = new ByteWriter();
    this.#records.reserve(entryBytes);
    const sealed = sealInto(this.#records, (out) => writeEntry(out, entry.record));
    unwatched(this.#ledger.put(entry.record.messageId, sealed));
  }

  removeEntry(id: string): void {
    unwatched(this.#ledger.remove(id));
  }

  // What ended is purged with the segments that it came in.
  forgetEndedBefore(): void {}

  readSegment(segment: number): Buffer {
    const bytes = this.#journal.get(segment);
    if (!bytes) throw new BusError('STORE_UNREADABLE', `Journal segment ${segment} is missing.`);
    return bytes;
  }

  writeSegment(segment: number, bytes: Buffer): void {
    unwatched(this.#journal.put(segment, bytes));
  }

  removeSegment(segment: number): void {
    unwatched(this.#journal.remove(segment));
  }

  *segmentsAfter(segment: number, limit = Number.POSITIVE_INFINITY): Iterable<[number, Buffer]> {
    for (const { key, value } of this.#journal.getRange({ start: segment + 1, limit })) yield [Number(key), value];
  }

  lastSegment(): number {
    for (const key of this.#journal.getKeys({ reverse: true, limit: 1 })) return Number(key);
    return 0;
  }

  readMark(): number {
    const sealed = this.#marks.get('journal');
    return sealed ? Number(unseal(sealed, 'of the journal mark')) : 0;
  }

  writeMark(segment: number): void {
    unwatched(this.#marks.put('journal', seal(String(segment))));
  }

  queueRows(mailbox: string, lane: number, fromSeq: number, limit: number): [number, string][] {
    const range = this.#queues.getRange({
      start: [mailbox, lane, fromSeq],
      end: [mailbox, lane, last],
      limit,
    });
    return [...range].map(({ key, value }) => [Number((key as (string | number)[])[2]), value.toString('utf8')]);
  }

  writeQueueRow({ mailbox, lane, seq, deadline }: QueueRow, id: string): void {
    unwatched(this.#queues.put([mailbox, lane, seq], Buffer.from(id)));
    unwatched(this.#deadlines.put([deadline, id], nothing));
  }

  removeQueueRow({ mailbox, lane, seq, deadline }: QueueRow, id: string): void {
    unwatched(this.#queues.remove([mailbox, lane, seq]));
    unwatched(this.#deadlines.remove([deadline, id]));
  }

  *laneSizes(): Iterable<[string, LaneSize[]]> {
    for (const { key, value } of this.#lanes.getRange({})) {
      yield [String(key), JSON.parse(unseal(value, `of the lanes of ${String(key)}`)) as LaneSize[]];
    }
  }

  writeLaneSizes(mailbox: string, lanes: readonly LaneSize[]): void {
    if (lanes.some(([rows]) => rows > 0)) unwatched(this.#lanes.put(mailbox, seal(JSON.stringify(lanes))));
    else unwatched(this.#lanes.remove(mailbox));
  }

  deadlinesUpTo(instant: number, limit: number): string[] {
    const keys = this.#deadlines.getKeys({
      start: [0],
      end: [instant + 1],
      limit,
    });
    return [...keys].map((key) => String((key as (string | number)[])[1]));
  }

  nextDeadlineAfter(instant: number): number | undefined {
    for (const key of this.#deadlines.getKeys({ start: [instant + 1], limit: 1 }))
      return Number((key as (string | number)[])[0]);
    return undefined;
  }

  heldIds(): string[] {
    return [...this.#held.getKeys({})].map(String);
  }

  writeHeld(id: string): void {
    unwatched(this.#held.put(id, nothing));
  }

  removeHeld(id: string): void {
    unwatched(this.#held.remove(id));
  }

  deadIds(after: string | undefined, limit: number): { ids: string[]; next?: string } {
    const start = after === undefined ? {} : { start: cursorKey(after), exclusiveStart: true };
    const keys = [...this.#dead.getKeys({ ...start, limit: limit + 1 })] as [number, string][];
    const ids = keys.slice(0, limit).map(([, id]) => id);
    const lastKey = keys[limit - 1];
    return keys.length > limit && lastKey ? { ids, next: `${lastKey[0]}.${lastKey[1]}` } : { ids };
  }

  writeDead(diedAt: number, id: string): void {
    unwatched(this.#dead.put([diedAt, id], nothing));
  }

  removeDead(diedAt: number, id: string): void {
    unwatched(this.#dead.remove([diedAt, id]));
  }
}

/** `<instant>.<id>`, as handed out with a page. */
function cursorKey(cursor: string): [number, string] {
  const dot = cursor.indexOf('.');
  const diedAt = Number(cursor.slice(0, dot));
  if (dot < 1 || !Number.isSafeInteger(diedAt)) {
    throw new BusError('VALIDATION_FAILED', 'after: must be the `next` of an earlier page.');
  }
  return [diedAt, cursor.slice(dot + 1)];
}
