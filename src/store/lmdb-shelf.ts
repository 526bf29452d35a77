// The mailbox tables in LMDB.
import { ByteReader, ByteWriter } from './byte-writer.ts';
import { cursorAt, deathAt } from './dead-cursor.ts';
import { Entry } from './entry.ts';
import { readEntry, writeEntry } from './entry-codec.ts';
import { type Table, unwatched } from './lmdb-environment.ts';
import { NewestIds } from './newest-ids.ts';
import { seal, sealInto, unseal, unsealBytes } from './sealed.ts';
import type { InstantRow, LaneSize, QueueRow, Shelf } from './shelf.ts';

const nothing = Buffer.alloc(0);
const last = Number.MAX_SAFE_INTEGER;
const lastCharacter = '\uffff';
const recordsPerBuffer = 48 * 1024;
/** What an entry usually takes. */
const entryBytes = 1_024;

export class LmdbShelf implements Shelf {
  readonly #ledger: Table;
  readonly #queues: Table;
  readonly #deadlines: Table;
  readonly #due: Table;
  readonly #lanes: Table;
  readonly #held: Table;
  readonly #dead: Table;
  readonly #marks: Table;
  readonly #newest = new NewestIds((kind) => this.#lastOf(kind));
  #records = new ByteWriter();

  constructor(table: (name: string) => Table) {
    this.#ledger = table('ledger');
    this.#queues = table('queues');
    this.#deadlines = table('deadlines');
    this.#due = table('due');
    this.#lanes = table('lanes');
    this.#held = table('held');
    this.#dead = table('dead');
    this.#marks = table('marks');
  }

  hasEntry(id: string): boolean {
    return !this.#newest.isNewer(id) && this.#ledger.doesExist(id);
  }

  readEntry(id: string): Entry | undefined {
    if (this.#newest.isNewer(id)) return undefined;
    const sealed = this.#ledger.getBinaryFast(id);
    return sealed && Entry.load(readEntry(new ByteReader(unsealBytes(sealed, `of message ${id}`))));
  }

  writeEntry(entry: Entry): void {
    // A record that has been handed over stays where it is until it is written; one buffer serves many.
    if (this.#records.size > recordsPerBuffer) this.#records = new ByteWriter();
    this.#records.reserve(entryBytes);
    const { messageId } = entry.record;
    const sealed = sealInto(this.#records, (out) => writeEntry(out, entry.record));
    this.#newest.add(messageId);
    unwatched(this.#ledger.put(messageId, sealed));
  }

  removeEntry(id: string): void {
    unwatched(this.#ledger.remove(id));
  }

  // What ended is purged with the journal.
  forgetEndedBefore(): void {}

  readMark(): number {
    const sealed = this.#marks.get('journal');
    return sealed ? Number(unseal(sealed, 'of the journal mark')) : 0;
  }

  writeMark(position: number): void {
    unwatched(this.#marks.put('journal', seal(String(position))));
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

  deadlinesAfter(row: InstantRow, upTo: number, limit: number): InstantRow[] {
    return rowsAfter(this.#deadlines, row, upTo, limit);
  }

  nextDeadlineAfter(instant: number): number | undefined {
    return nextInstant(this.#deadlines, instant);
  }

  dueAfter(row: InstantRow, upTo: number, limit: number): InstantRow[] {
    return rowsAfter(this.#due, row, upTo, limit);
  }

  nextDueAfter(instant: number): number | undefined {
    return nextInstant(this.#due, instant);
  }

  writeDue(dueAt: number, id: string): void {
    unwatched(this.#due.put([dueAt, id], nothing));
  }

  removeDue(dueAt: number, id: string): void {
    unwatched(this.#due.remove([dueAt, id]));
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
    const start = after === undefined ? {} : { start: deathAt(after), exclusiveStart: true };
    const keys = [...this.#dead.getKeys({ ...start, limit: limit + 1 })] as InstantRow[];
    const ids = keys.slice(0, limit).map(([, id]) => id);
    const lastKey = keys[limit - 1];
    return keys.length > limit && lastKey ? { ids, next: cursorAt(lastKey) } : { ids };
  }

  writeDead(diedAt: number, id: string): void {
    unwatched(this.#dead.put([diedAt, id], nothing));
  }

  removeDead(diedAt: number, id: string): void {
    unwatched(this.#dead.remove([diedAt, id]));
  }

  #lastOf(kind: string): string | undefined {
    const range = { start: kind + lastCharacter, end: kind, reverse: true, limit: 1 };
    for (const key of this.#ledger.getKeys(range)) return String(key);
    // The end of a range is not in it.
    return this.#ledger.doesExist(kind) ? kind : undefined;
  }
}

function rowsAfter(table: Table, row: InstantRow, upTo: number, limit: number): InstantRow[] {
  return [...table.getKeys({ start: row, exclusiveStart: true, end: [upTo + 1], limit })] as InstantRow[];
}

function nextInstant(table: Table, after: number): number | undefined {
  for (const key of table.getKeys({ start: [after + 1], limit: 1 })) return Number((key as (string | number)[])[0]);
  return undefined;
}
