// An ordered table in memory, as LMDB orders its keys: arrays part by part, numbers before strings.
import type { Table } from '../../src/store/lmdb-environment.ts';

export type Key = Parameters<Table['get']>[0];
type Range = Parameters<Table['getKeys']>[0];

export interface Row {
  key: Key;
  value: Buffer;
}

export class SortedTable {
  readonly #rows: Row[] = [];

  get size(): number {
    return this.#rows.length;
  }

  get(key: Key): Buffer | undefined {
    const row = this.#rows[this.#firstFrom(key)];
    return row && compare(row.key, key) === 0 ? row.value : undefined;
  }

  /** What was there before. */
  set(key: Key, value: Buffer | undefined): Buffer | undefined {
    const index = this.#firstFrom(key);
    const row = this.#rows[index];
    const isThere = row !== undefined && compare(row.key, key) === 0;
    const before = isThere ? row.value : undefined;
    if (value === undefined) {
      if (isThere) this.#rows.splice(index, 1);
    } else if (isThere) row.value = value;
    else this.#rows.splice(index, 0, { key, value });
    return before;
  }

  /** Rows as they are now: one that is read while the table changes does not see the change. */
  range({ start, end, exclusiveStart = false, reverse = false, limit = Number.POSITIVE_INFINITY }: Range): Row[] {
    const found: Row[] = [];
    const step = reverse ? -1 : 1;
    let index = reverse ? this.#rows.length - 1 : 0;
    if (start !== undefined) {
      index = this.#firstFrom(start);
      const isAt = index < this.#rows.length && compare(this.#rows[index]?.key ?? 0, start) === 0;
      if (isAt && exclusiveStart) index += step;
      else if (!isAt && reverse) index--;
    }
    for (; found.length < limit; index += step) {
      const row = this.#rows[index];
      // The end is not part of the range.
      if (!row || (end !== undefined && compare(row.key, end) * step >= 0)) break;
      found.push({ key: row.key, value: row.value });
    }
    return found;
  }

  /** The first row whose key is not below the given one. */
  #firstFrom(key: Key): number {
    let low = 0;
    let high = this.#rows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const row = this.#rows[middle];
      if (row && compare(row.key, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function compare(a: Key, b: Key): number {
  const left = Array.isArray(a) ? a : [a];
  const right = Array.isArray(b) ? b : [b];
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const one = left[index];
    const other = right[index];
    if (one === undefined || other === undefined || one === other) continue;
    if (typeof one !== typeof other) return typeof one === 'number' ? -1 : 1;
    return one < other ? -1 : 1;
  }
  return left.length - right.length;
}
