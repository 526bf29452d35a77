// The shelf of a bus without persistence: a bounded memory of messages that have ended.
import type { Entry } from './entry.ts';
import type { LaneSize, Shelf } from './shelf.ts';

/** Acknowledged messages, and dead ones, are each remembered up to this many bytes. */
const remembered = 64 * 2 ** 20;
/** What an entry weighs beside its envelope, roughly. */
const entryBytes = 600;

export class MemoryShelf implements Shelf {
  readonly holdsMail = false;
  readonly #acknowledged = new Map<string, Entry>();
  /** The same, oldest first. A map's own order is slow to read while entries leave at its head. */
  #order: Entry[] = [];
  #oldest = 0;
  readonly #dead = new Map<string, Entry>();
  #bytes = 0;
  #deadBytes = 0;

  hasEntry(id: string): boolean {
    return this.#acknowledged.has(id) || this.#dead.has(id);
  }

  readEntry(id: string): Entry | undefined {
    return this.#acknowledged.get(id) ?? this.#dead.get(id);
  }

  writeEntry(entry: Entry): void {
    const { messageId, state } = entry.record;
    if (state === 'dead') {
      this.#bury(entry);
      return;
    }
    this.#acknowledged.set(messageId, entry);
    this.#order.push(entry);
    this.#bytes += weight(entry);
    while (this.#bytes > remembered) this.#forgetOldest();
  }

  #bury(entry: Entry): void {
    this.#dead.set(entry.record.messageId, entry);
    this.#deadBytes += weight(entry);
    for (const id of this.#dead.keys()) {
      if (this.#deadBytes <= remembered) return;
      this.removeEntry(id);
    }
  }

  removeEntry(id: string): void {
    const entry = this.#dead.get(id);
    if (entry) this.#deadBytes -= weight(entry);
    this.#dead.delete(id);
  }

  forgetEndedBefore(instant: number): void {
    while ((this.#order[this.#oldest]?.record.settledAt ?? instant) < instant) this.#forgetOldest();
    for (const [id, { record }] of this.#dead) {
      if ((record.settledAt ?? instant) >= instant) break;
      this.removeEntry(id);
    }
  }

  #forgetOldest(): void {
    const entry = this.#order[this.#oldest++];
    if (!entry) return;
    this.#acknowledged.delete(entry.record.messageId);
    this.#bytes -= weight(entry);
    if (this.#oldest < 4_096 || this.#oldest * 2 < this.#order.length) return;
    this.#order = this.#order.slice(this.#oldest);
    this.#oldest = 0;
  }

  deadIds(after: string | undefined, limit: number): { ids: string[]; next?: string } {
    const all = [...this.#dead.keys()];
    const start = after === undefined ? 0 : all.indexOf(after) + 1;
    const ids = all.slice(start, start + limit);
    const next = ids.at(-1);
    return start + limit < all.length && next !== undefined ? { ids, next } : { ids };
  }

  // Nothing is written and nothing read back: every unsettled message is in memory.
  readSegment(): Buffer {
    throw new RangeError('a memory shelf has no journal');
  }
  writeSegment(): void {}
  removeSegment(): void {}
  segmentsAfter(): Iterable<[number, Buffer]> {
    return [];
  }
  lastSegment(): number {
    return 0;
  }
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
  deadlinesUpTo(): string[] {
    return [];
  }
  nextDeadlineAfter(): number | undefined {
    return undefined;
  }
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
