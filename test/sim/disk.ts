// A disk under LMDB's interface: a transaction is handed over, then visible, then flushed; a crash keeps what was flushed,
// and of what was not, all or nothing. The files of the journal lie on it as well.
import type { JournalDisk } from '../../src/store/journal-disk.ts';
import type { LmdbEnvironment, Table } from '../../src/store/lmdb-environment.ts';
import { JournalFiles } from './journal-files.ts';
import type { Random } from './random.ts';
import type { Life } from './scheduler.ts';
import { type Key, SortedTable } from './sorted-table.ts';

interface Write {
  table: SortedTable;
  key: Key;
  value: Buffer | undefined;
}

interface Transaction {
  writes: Write[];
  /** How to take it back; undefined while it is not visible. */
  undo: Write[] | undefined;
}

export interface DiskOptions {
  random: Random;
  /** The longest that a commit, and then a flush, takes. */
  slowestMs: number;
  onFailure: () => void;
}

/** What a reader got is overwritten by this: whoever keeps it too long reads nonsense. */
const stale = 0xdd;
const written = Promise.resolve(true);

export class Disk {
  readonly #options: DiskOptions;
  readonly #journal: JournalFiles;
  readonly #tables = new Map<string, SortedTable>();
  #pending: Transaction[] = [];
  #collecting: Write[] | undefined;
  /** The next flush fails. */
  #broken = false;

  constructor(options: DiskOptions) {
    this.#options = options;
    const { random, slowestMs } = options;
    this.#journal = new JournalFiles({ random, slowestMs, fails: () => this.#fails() });
  }

  /** How many transactions and appends are not flushed. */
  get unflushed(): number {
    return this.#pending.length + this.#journal.unflushed;
  }

  breakNextFlush(): void {
    this.#broken = true;
  }

  /** No flush fails any more. */
  repair(): void {
    this.#broken = false;
  }

  table(name: string): SortedTable {
    let table = this.#tables.get(name);
    if (!table) {
      table = new SortedTable();
      this.#tables.set(name, table);
    }
    return table;
  }

  /** The disk as one run of the server sees it. */
  open(life: Life): LmdbEnvironment {
    return {
      id: 1,
      table: (name) => this.#view(this.table(name)),
      transact: (writes) => this.#transact(life, writes),
      transactNow: (writes) => {
        const transaction = this.#collect(writes);
        apply(transaction);
      },
      close: async () => undefined,
    };
  }

  openJournal(life: Life): JournalDisk {
    return this.#journal.open(life);
  }

  /** The machine stops; of what is not flushed it keeps everything or nothing. */
  crash(): { lost: number; kept: number } {
    const { random } = this.#options;
    const isKept = random.chance(0.35);
    const count = this.#pending.length;
    if (isKept) for (const pending of this.#pending) apply(pending);
    else for (const pending of this.#pending.reverse()) revert(pending);
    this.#pending = [];
    this.#broken = false;
    const appends = this.#journal.unflushed;
    const appended = this.#journal.crash() ? appends : 0;
    const kept = (isKept ? count : 0) + appended;
    return { lost: count + appends - kept, kept };
  }

  #fails(): boolean {
    if (this.#broken) this.#options.onFailure();
    return this.#broken;
  }

  #collect(writes: () => void): Transaction {
    const transaction: Transaction = { writes: [], undo: undefined };
    this.#collecting = transaction.writes;
    try {
      writes();
    } finally {
      this.#collecting = undefined;
    }
    return transaction;
  }

  #transact(life: Life, writes: () => void): Promise<void> {
    const transaction = this.#collect(writes);
    this.#pending.push(transaction);
    const { random, slowestMs } = this.#options;
    return new Promise((resolve, reject) => {
      life.after(random.between(0, slowestMs), () => {
        apply(transaction);
        life.after(random.between(0, slowestMs), () => {
          if (this.#fails()) {
            // Nobody knows what is on the disk now: the crash that follows decides.
            reject(new Error('EIO: the flush failed'));
            return;
          }
          this.#pending = this.#pending.filter((other) => other !== transaction);
          resolve();
        });
      });
    });
  }

  #view(table: SortedTable): Table {
    let lent: Buffer = Buffer.alloc(0);
    const write = (key: Key, value: Buffer | undefined): Promise<boolean> => {
      if (!this.#collecting) throw new Error('a write outside of a transaction');
      this.#collecting.push({ table, key, value });
      return written;
    };
    return {
      doesExist: (key) => table.get(key) !== undefined,
      get: (key) => copyOf(table.get(key)),
      getBinaryFast: (key) => {
        lent.fill(stale);
        const value = table.get(key);
        if (value) lent = Buffer.from(value);
        return value && lent;
      },
      getRange: (range) => table.range(range).map(({ key, value }) => ({ key, value: Buffer.from(value) })),
      getKeys: (range) => table.range(range).map(({ key }) => key),
      put: (key, value) => write(key, value),
      remove: (key) => write(key, undefined),
    };
  }
}

function copyOf(value: Buffer | undefined): Buffer | undefined {
  return value && Buffer.from(value);
}

function apply(transaction: Transaction): void {
  if (transaction.undo) return;
  // Copied now and not when it was handed over: until now it has to stay as it was.
  transaction.undo = transaction.writes.map(({ table, key, value }) => {
    return { table, key, value: table.set(key, copyOf(value)) };
  });
}

function revert({ undo = [] }: Transaction): void {
  for (const { table, key, value } of undo.reverse()) table.set(key, value);
}
