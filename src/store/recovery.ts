// Rebuilds memory at the start: the counts of the tables, and the journal behind the mark on top of them.
import { Entry } from './entry.ts';
import type { Journal } from './journal.ts';
import type { JournalRecord, Row } from './journal-record.ts';
import type { MailboxQueues } from './mailbox-queue.ts';
import type { Shelf } from './shelf.ts';
import type { WorkingSet } from './working-set.ts';
import type { WriteBehind } from './write-behind.ts';

export interface RecoveryDeps {
  shelf: Shelf;
  journal: Journal;
  queues: MailboxQueues;
  entries: WorkingSet;
  behind: WriteBehind;
  /** Writes to the tables at once: what the journal knows from an earlier run. */
  restore: (writes: () => void) => void;
  writeRow: (row: Row) => void;
}

/** @throws BusError STORE_UNREADABLE where the journal is damaged. */
export function recover(deps: RecoveryDeps): void {
  const { shelf, journal, queues, entries } = deps;
  countRows(shelf, queues);
  const replay = new Replay(deps);
  for (const block of journal.replay(shelf.readMark())) {
    for (const { position, record } of block.records) replay.take(record, position, block.position);
  }
  replay.end();
  for (const entry of entries.all()) recount(entry, queues);
}

/** Everything that the tables have is cold. */
function countRows(shelf: Shelf, queues: MailboxQueues): void {
  for (const [name, sizes] of shelf.laneSizes()) {
    const queue = queues.of(name);
    for (const [index, lane] of queue.lanes.entries()) {
      [lane.rows, lane.rowBytes] = sizes[index] ?? [0, 0];
      lane.coldFrom = 0;
      queue.unsettled += lane.rows;
      queue.bytes += lane.rowBytes;
    }
  }
}

/** Counted by its row, wherever that lies; from now on by where it is. */
function recount(entry: Entry, queues: MailboxQueues): void {
  countOff(entry, queues);
  queues.of(entry.record.mailbox).count(entry, 1);
}

/** Its row was counted. */
function countOff({ rows: { queue: row } }: Entry, queues: MailboxQueues): void {
  if (!row) return;
  const queue = queues.of(row.mailbox);
  queue.unsettled--;
  queue.bytes -= row.size;
}

class Replay {
  readonly #deps: RecoveryDeps;
  /** Writes that wait for the end: meanwhile the tables are read as they were. */
  readonly #late: (() => void)[] = [];
  /** Free again for what comes behind, whatever the tables still show. */
  readonly #gone = new Set<string>();

  constructor(deps: RecoveryDeps) {
    this.#deps = deps;
  }

  take(record: JournalRecord, position: number, block: number): void {
    if (record.kind === 'row') this.#late.push(() => this.#deps.writeRow(record.row));
    else if (record.kind === 'accepted') this.#accept(record, position, block);
    else this.#change(record, position, block);
  }

  end(): void {
    if (this.#late.length === 0) return;
    this.#deps.restore(() => {
      for (const write of this.#late) write();
      this.#deps.behind.writeLaneSizes();
    });
  }

  #accept({ head, bytes }: Extract<JournalRecord, { kind: 'accepted' }>, position: number, block: number): void {
    const known = this.#find(head.messageId);
    // The tables may have it already; or still the one before it, of which nothing was left in memory.
    if (known && known.record.asOf >= position) return;
    if (known) this.#forget(known);
    const entry = Entry.accept({ ...head, bytes }, position, position);
    entry.bytes = undefined;
    this.#deps.behind.mark(this.#deps.entries.keep(entry), block);
  }

  #change(
    { change, envelopeBytes }: Extract<JournalRecord, { kind: 'change' }>,
    position: number,
    block: number,
  ): void {
    const { entries, behind } = this.#deps;
    for (const id of change.ids) {
      const entry = this.#find(id);
      if (!entry || entry.record.asOf >= position) continue;
      if (entries.get(id) !== entry) entries.keep(entry);
      if (change.type === 'discarded') {
        this.#forget(entry);
        continue;
      }
      entry.apply(change);
      if (envelopeBytes !== undefined) entry.relocate(position, envelopeBytes);
      entry.record.asOf = position;
      behind.mark(entry, block);
    }
  }

  #forget(entry: Entry): void {
    const { entries, behind, queues } = this.#deps;
    entries.drop(entry);
    behind.drop(entry);
    countOff(entry, queues);
    this.#gone.add(entry.record.messageId);
    this.#late.push(() => behind.remove(entry));
  }

  /** As it is in the tables: an attempt that is open there may have ended in what comes behind. */
  #find(id: string): Entry | undefined {
    const { entries, shelf } = this.#deps;
    if (this.#gone.has(id)) return entries.get(id);
    return entries.get(id) ?? entries.damage.unlessIn(id, () => shelf.readEntry(id));
  }
}
