// Rows beside the mailboxes: in the journal at once, in their tables with a later transaction.
import type { Checkpoint } from './checkpoint.ts';
import type { DeferredWrites } from './deferred-writes.ts';
import type { Group, GroupCommit } from './group-commit.ts';
import type { Journal } from './journal.ts';
import type { Row, RowKey } from './journal-record.ts';
import { type Table, unwatched } from './lmdb-environment.ts';

export interface LmdbRowsDeps {
  tables: ReadonlyMap<string, Table>;
  journal: Journal;
  commit: GroupCommit;
  checkpoint: Checkpoint;
  deferred: DeferredWrites;
}

export class LmdbRows {
  readonly #deps: LmdbRowsDeps;

  constructor(deps: LmdbRowsDeps) {
    this.#deps = deps;
  }

  /** The group says when it is flushed; without a value the row is removed. */
  put(table: string, key: RowKey, value: Buffer | undefined): Group {
    const { commit, journal, deferred } = this.#deps;
    const group = commit.join();
    const row = { table, key, value };
    journal.row(row);
    deferred.add(journal.block, () => this.write(row));
    return group;
  }

  /** Resolves when the tables show all that was flushed. */
  complete(): Promise<void> {
    return this.#deps.checkpoint.complete(this.#deps.deferred);
  }

  /** In a transaction of the tables. */
  write({ table: name, key, value }: Row): void {
    const table = this.#deps.tables.get(name);
    if (!table) throw new RangeError(`no table ${name}`);
    unwatched(value ? table.put(key, value) : table.remove(key));
  }
}
