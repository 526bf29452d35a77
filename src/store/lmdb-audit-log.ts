// The audit log in LMDB: one row an entry, keyed by its place, in transactions of the tables and not in the journal.
import type { AuditLog, AuditRecord, KeptRecord } from '../ports/audit-log.ts';
import type { Group, GroupCommit } from './group-commit.ts';
import { type Table, unwatched } from './lmdb-environment.ts';
import { seal, unseal } from './sealed.ts';

export const audit = 'audit';

export class LmdbAuditLog implements AuditLog {
  readonly #table: Table;
  readonly #tables: GroupCommit;
  /** The last place that was given away, on disk or not yet. */
  #last = 0;
  #latest: Group | undefined;

  constructor(table: Table, tables: GroupCommit) {
    this.#table = table;
    this.#tables = tables;
    for (const key of table.getKeys({ reverse: true, limit: 1 })) this.#last = Number(key);
  }

  append(record: AuditRecord): Promise<void> {
    const place = ++this.#last;
    const value = seal(JSON.stringify(record));
    return this.#write(() => unwatched(this.#table.put(place, value)));
  }

  async readBefore(place: number, limit: number): Promise<KeptRecord[]> {
    await this.#latest?.done;
    const rows = this.#table.getRange({ start: place - 1, end: 0, reverse: true, limit });
    return [...rows].map(({ key, value }) => ({ place: Number(key), record: recordOf(Number(key), value) }));
  }

  async trim(at: number, keep: number, limit: number): Promise<number> {
    await this.#latest?.done;
    const tooMany = this.#last - keep;
    const gone: number[] = [];
    for (const { key, value } of this.#table.getRange({ limit })) {
      const place = Number(key);
      // The last one stays: it says which place is next.
      if (place === this.#last || (place > tooMany && recordOf(place, value).at >= at)) break;
      gone.push(place);
    }
    if (gone.length === 0) return 0;
    await this.#write(() => {
      for (const place of gone) unwatched(this.#table.remove(place));
    });
    return gone.length;
  }

  #write(put: () => void): Promise<void> {
    this.#latest = this.#tables.join();
    this.#latest.write(put);
    return this.#latest.done;
  }
}

function recordOf(place: number, value: Buffer): AuditRecord {
  return JSON.parse(unseal(value, `${place} of the audit log`)) as AuditRecord;
}
