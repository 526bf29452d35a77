// The shelf of a bus without persistence: a bounded memory of messages that have ended.
import type { Entry } from './entry.ts';
import type { Shelf } from './shelf.ts';

/** Acknowledged messages are remembered, for the ledger and for duplicates, up to this many bytes. */
const remembered = 64 * 2 ** 20;
/** What an entry weighs beside its envelope, roughly. */
const entryBytes = 600;

export class MemoryShelf implements Shelf {
  readonly holdsMail = false;
  /** Oldest first. */
  readonly #acknowledged = new Map<string, Entry>();
  readonly #dead = new Map<string, Entry>();
  #bytes = 0;

  readEntry(id: string): Entry | undefined {
    return this.#acknowledged.get(id) ?? this.#dead.get(id);
  }

  writeEntry(entry: Entry): void {
    const { messageId, state } = entry.record;
    if (state === 'dead') {
      this.#dead.set(messageId, entry);
      return;
    }
    this.#acknowledged.set(messageId, entry);
    this.#bytes += weight(entry);
    for (const [id, oldest] of this.#acknowledged) {
      if (this.#bytes <= remembered) break;
      this.#acknowledged.delete(id);
      this.#bytes -= weight(oldest);
    }
  }

  removeEntry(id: string): void {
    const entry = this.#acknowledged.get(id);
    if (entry) this.#bytes -= weight(entry);
    this.#acknowledged.delete(id);
    this.#dead.delete(id);
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
  laneCounts(): Iterable<[string, number[]]> {
    return [];
  }
  writeLaneCounts(): void {}
  deadlinesUpTo(): string[] {
    return [];
  }
  nextDeadline(): number | undefined {
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
