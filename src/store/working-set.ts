// Which messages are in memory: brought there from the shelf when they are needed, and let go when they need not be.
import { Damage } from './damage.ts';
import type { Entry } from './entry.ts';
import { noRows } from './entry-record.ts';
import type { MailboxQueue, MailboxQueues } from './mailbox-queue.ts';
import type { Shelf } from './shelf.ts';
import type { WakeUp } from './wake-up.ts';

export interface WorkingSetDeps {
  shelf: Shelf;
  queues: MailboxQueues;
  wakeUp: WakeUp;
  /** Where what ended is shelved at once: resolves when its end is flushed, if that may be on its way. */
  endUnderWay: () => Promise<void> | undefined;
}

export class WorkingSet {
  readonly damage = new Damage();
  readonly #deps: WorkingSetDeps;
  readonly #entries = new Map<string, Entry>();
  /** Ids whose records are about to be removed: they are free, whatever the tables still show. */
  readonly #leaving = new Map<string, object>();

  constructor(deps: WorkingSetDeps) {
    this.#deps = deps;
  }

  /** All that are in memory. */
  all(): Iterable<Entry> {
    return this.#entries.values();
  }

  /** The entry, where it is in memory. */
  get(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  has(id: string): boolean {
    return this.#entries.has(id) || (this.#deps.shelf.hasEntry(id) && !this.#leaving.has(id));
  }

  /** For reading: the entry may not be the one in memory afterwards. */
  find(id: string): Entry | undefined {
    return this.#entries.get(id) ?? this.#read(id);
  }

  /** For changing: the entry is in memory from now on. */
  warm(id: string): Entry | undefined {
    const entry = this.#entries.get(id);
    if (entry) return entry;
    const read = this.#read(id);
    return read && this.keep(read);
  }

  /** As `find` and `warm` among many: a damaged record is reported under its id, and does not keep the others back. */
  tryFind(id: string): Entry | undefined {
    return this.damage.unlessIn(id, () => this.find(id));
  }

  tryWarm(id: string): Entry | undefined {
    return this.damage.unlessIn(id, () => this.warm(id));
  }

  /** An entry that is new, or was read, is the one in memory. */
  keep(entry: Entry): Entry {
    this.#entries.set(entry.record.messageId, entry);
    const { queue } = entry.rows;
    const lane = queue && this.#deps.queues.of(queue.mailbox).lanes[queue.lane];
    if (lane) lane.warmRows++;
    return entry;
  }

  /** Brings the oldest cold messages of a lane back into memory; false where there are none. */
  refill(queue: MailboxQueue, laneIndex: number, limit: number, arrived: (entry: Entry) => void): boolean {
    const lane = queue.lanes[laneIndex];
    if (!lane || lane.coldRows === 0) return false;
    const from = Number.isFinite(lane.coldFrom) ? lane.coldFrom : 0;
    const rows = this.#deps.shelf.queueRows(queue.name, laneIndex, from, limit);
    let found = false;
    for (const [seq, id] of rows) {
      lane.coldFrom = seq + 1;
      if (this.#entries.has(id)) continue;
      const entry = this.tryWarm(id);
      if (!entry || entry.settled || entry.record.seq !== seq || entry.record.mailbox !== queue.name) continue;
      arrived(entry);
      found = true;
    }
    if (rows.length < limit) lane.coldFrom = Number.POSITIVE_INFINITY;
    return found || rows.length === limit;
  }

  /** Nobody knows the entry any more. */
  drop(entry: Entry): void {
    entry.evicted = true;
    this.#deps.wakeUp.forget(entry);
    this.#entries.delete(entry.record.messageId);
  }

  /** The tables show it as it is: what ended leaves memory, what waits for a taker becomes cold. */
  evict(entry: Entry): void {
    const { wakeUp, queues } = this.#deps;
    const { messageId, mailbox, state, seq } = entry.record;
    if (!entry.settled) {
      entry.bytes = undefined;
      // What is overdue has its turn soon; in the tables it would not be looked for again.
      if ((state !== 'ready' && !entry.postponed) || wakeUp.isOverdue(entry)) return;
      wakeUp.forget(entry);
      entry.evicted = true;
      const lane = queues.of(mailbox).laneFor(entry);
      lane.warmRows--;
      lane.coldFrom = Math.min(lane.coldFrom, seq);
      lane.forgetOne();
    }
    entry.evicted = true;
    this.#entries.delete(messageId);
  }

  /** Without a journal: what ended leaves memory for the shelf at once. */
  shelve(entry: Entry): void {
    const { shelf } = this.#deps;
    const { messageId, state, settledAt = 0 } = entry.record;
    shelf.writeEntry(entry);
    this.#entries.delete(messageId);
    if (state !== 'dead') return;
    shelf.writeDead(settledAt, messageId);
    entry.rows = { diedAt: settledAt };
  }

  /** What is written of an ended message is gone. */
  unshelve(entry: Entry): void {
    const { shelf } = this.#deps;
    const { messageId } = entry.record;
    if (entry.rows.diedAt !== undefined) shelf.removeDead(entry.rows.diedAt, messageId);
    shelf.removeEntry(messageId);
    entry.rows = noRows;
  }

  /** The ids are free from now on; the returned function is for when the tables do not show them any more. */
  release(ids: readonly string[]): () => void {
    const reason = {};
    for (const id of ids) this.#leaving.set(id, reason);
    return () => {
      for (const id of ids) if (this.#leaving.get(id) === reason) this.#leaving.delete(id);
    };
  }

  #read(id: string): Entry | undefined {
    if (this.#leaving.has(id)) return undefined;
    const entry = this.#deps.shelf.readEntry(id);
    entry?.interrupt();
    if (entry) entry.durable = this.#deps.endUnderWay();
    return entry;
  }
}
