// The audit log in LMDB: one row an entry, keyed by its place, in transactions of the tables and not in the journal.
import type { AuditLog, AuditRecord, KeptRecord } from '../ports/audit-log.ts';
import type { BusError } from '../protocol/errors.ts';
import { Damage } from './damage.ts';
import type { Group, GroupCommit } from './group-commit.ts';
import { type Table, unwatched } from './lmdb-environment.ts';
import { seal, unseal } from './sealed.ts';

export const audit = 'audit';

export class LmdbAuditLog implements AuditLog {
  readonly #table: Table;
  readonly #tables: GroupCommit;
  readonly #damage = new Damage();
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

  listen(damaged: (error: BusError) => void): void {
    this.#damage.listen((_place, error) => damaged(error));
  }

  async readBefore(place: number, limit: number): Promise<KeptRecord[]> {
    await this.#latest?.done;
    const found: KeptRecord[] = [];
    for (const key of this.#table.getKeys({ start: place - 1, end: 0, reverse: true })) {
      if (found.length === limit) break;
      const record = this.#read(Number(key));
      if (record) found.push({ place: Number(key), record });
    }
    return found;
  }

  async trim(at: number, keep: number, limit: number): Promise<number> {
    await this.#latest?.done;
    const tooMany = this.#last - keep;
    const gone: number[] = [];
    for (const key of this.#table.getKeys({ limit })) {
      const place = Number(key);
      // The last one stays: it says which place is next. What cannot be read is of no use, however old it is.
      if (place === this.#last || (place > tooMany && (this.#read(place)?.at ?? at - 1) >= at)) break;
      gone.push(place);
    }
    if (gone.length === 0) return 0;
    await this.#write(() => {
      for (const place of gone) unwatched(this.#table.remove(place));
    });
    return gone.length;
  }

  #read(place: number): AuditRecord | undefined {
    return this.#damage.unlessIn(String(place), () => {
      const value = this.#table.getBinaryFast(place);
      return value && (JSON.parse(unseal(value, `${place} of the audit log`)) as AuditRecord);
    });
  }

  #write(put: () => void): Promise<void> {
    this.#latest = this.#tables.join();
    this.#latest.write(put);
    return this.#latest.done;
  }
}
