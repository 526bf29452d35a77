// The shelf of a bus without persistence: a bounded memory of messages that have ended.
import { cursorAt, deathAt } from './dead-cursor.ts';
import type { Entry } from './entry.ts';
import { Remembered } from './remembered.ts';
import type { InstantRow, LaneSize, Shelf } from './shelf.ts';

/** Acknowledged messages, and dead ones, are each kept up to this many bytes. */
const kept = 64 * 2 ** 20;
/** What a dead one weighs beside its envelope, roughly. */
const entryBytes = 600;

export class MemoryShelf implements Shelf {
  readonly #acknowledged = new Remembered(kept);
  readonly #dead = new Map<string, Entry>();
  #deadBytes = 0;

  hasEntry(id: string): boolean {
    return this.#dead.has(id) || this.#acknowledged.has(id);
  }

  readEntry(id: string): Entry | undefined {
    return this.#dead.get(id) ?? this.#acknowledged.read(id);
  }

  writeEntry(entry: Entry): void {
    if (entry.record.state === 'dead') this.#bury(entry);
    else this.#acknowledged.add(entry);
  }

  #bury(entry: Entry): void {
    const { messageId } = entry.record;
    // What is about to be discarded is written once more.
    this.removeEntry(messageId);
    this.#dead.set(messageId, entry);
    this.#deadBytes += weight(entry);
    for (const id of this.#dead.keys()) {
      if (this.#deadBytes <= kept) return;
      this.removeEntry(id);
    }
  }

  removeEntry(id: string): void {
    const entry = this.#dead.get(id);
    if (entry) this.#deadBytes -= weight(entry);
    this.#dead.delete(id);
  }

  forgetEndedBefore(instant: number): void {
    this.#acknowledged.forgetEndedBefore(instant);
    for (const [id, { record }] of this.#dead) {
      // Not in the order of these: the clock may have been set back.
      if ((record.settledAt ?? instant) < instant) this.removeEntry(id);
    }
  }

  deadIds(after: string | undefined, limit: number): { ids: string[]; next?: string } {
    const from = after === undefined ? undefined : deathAt(after);
    const rows = [...this.#dead].map(([id, { record }]): InstantRow => [record.settledAt ?? 0, id]).sort(inOrder);
    const page = from ? rows.filter((row) => inOrder(row, from) > 0) : rows;
    const ids = page.slice(0, limit).map(([, id]) => id);
    const last = page[limit - 1];
    return page.length > limit && last ? { ids, next: cursorAt(last) } : { ids };
  }

  // Nothing is written and nothing read back: every unsettled message is in memory.
  readMark(): number {
    return 0;
  }
  writeMark(): void {}
  queueRows(): [number, string][] {
    return [];
  }
  writeQueueRow(): void {}
  removeQueueRow(): void {}
  laneSizes(): Iterable<[string, LaneSize[]]> {
    return [];
  }
  writeLaneSizes(): void {}
  deadlinesAfter(): InstantRow[] {
    return [];
  }
  nextDeadlineAfter(): number | undefined {
    return undefined;
  }
  dueAfter(): InstantRow[] {
    return [];
  }
  nextDueAfter(): number | undefined {
    return undefined;
  }
  writeDue(): void {}
  removeDue(): void {}
  heldIds(): string[] {
    return [];
  }
  writeHeld(): void {}
  removeHeld(): void {}
  writeDead(): void {}
  removeDead(): void {}
}

function weight(entry: Entry): number {
  return (entry.bytes?.length ?? 0) + entryBytes;
}

function inOrder([diedAt, id]: InstantRow, [otherAt, other]: InstantRow): number {
  return diedAt - otherAt || (id < other ? -1 : Number(id > other));
}
