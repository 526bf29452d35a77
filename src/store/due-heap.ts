// What is due first among the messages in memory: a binary heap in which each message knows its place.
import type { Entry } from './entry.ts';

export class DueHeap {
  readonly #heap: Entry[] = [];

  /** Infinity where nothing is due ever. */
  get first(): number {
    return this.#heap[0]?.dueAt ?? Number.POSITIVE_INFINITY;
  }

  /** Puts the message where the instant and its place in the order belong, also when it is in the heap already. */
  set(entry: Entry, at: number): void {
    if (entry.duePlace < 0) entry.duePlace = this.#heap.length;
    entry.dueAt = at;
    this.#settle(entry, entry.duePlace);
  }

  remove(entry: Entry): void {
    const place = entry.duePlace;
    if (place < 0) return;
    entry.duePlace = -1;
    entry.dueAt = Number.POSITIVE_INFINITY;
    const last = this.#heap.pop();
    if (last && last !== entry) this.#settle(last, place);
  }

  /** Takes out the first message that is due by then. */
  take(now: number): Entry | undefined {
    const entry = this.#heap[0];
    if (!entry || entry.dueAt > now) return undefined;
    this.remove(entry);
    return entry;
  }

  #settle(entry: Entry, place: number): void {
    this.#up(entry, place);
    if (entry.duePlace === place) this.#down(entry, place);
  }

  #up(entry: Entry, from: number): void {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >>> 1;
      const parent = this.#heap[above];
      if (!parent || !isBefore(entry, parent)) break;
      this.#put(parent, place);
      place = above;
    }
    this.#put(entry, place);
  }

  #down(entry: Entry, from: number): void {
    let place = from;
    for (;;) {
      const left = this.#heap[place * 2 + 1];
      const right = this.#heap[place * 2 + 2];
      const child = right && left && isBefore(right, left) ? right : left;
      if (!child || !isBefore(child, entry)) break;
      const below = child.duePlace;
      this.#put(child, place);
      place = below;
    }
    this.#put(entry, place);
  }

  #put(entry: Entry, place: number): void {
    this.#heap[place] = entry;
    entry.duePlace = place;
  }
}

/** What is due at the same instant keeps its order. */
function isBefore(a: Entry, b: Entry): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.record.seq < b.record.seq);
}
