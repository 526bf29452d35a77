// Brings what is under an earlier key under the present one, beside the mail: table by table, then file by file of the journal.
import type { Clock } from '../ports/clock.ts';
import { BusError } from '../protocol/errors.ts';
import type { Checkpoint, CheckpointPart } from './checkpoint.ts';
import type { EncryptedTable } from './encrypted-table.ts';
import type { Journal } from './journal.ts';
import type { KeysInUse } from './keys-in-use.ts';
import type { Key } from './lmdb-environment.ts';

/** Between two steps, so that it is a trickle beside the mail. */
const stepMs = 5;
/** A step looks at so many rows. */
const stepRows = 256;
/** While a backup keeps the files. */
const backupMs = 1_000;

/** What has been looked at so far. */
export interface ReencryptionProgress {
  rows: number;
  /** Of the journal, as all that are to be done. */
  files: number;
  allFiles: number;
}

export interface ReencryptionDeps {
  tables: readonly EncryptedTable[];
  journal: Journal;
  checkpoint: Checkpoint;
  keys: KeysInUse;
  clock: Clock;
  /** Called after every step. */
  onProgress?: ((progress: ReencryptionProgress) => void) | undefined;
}

export class Reencryption implements CheckpointPart {
  readonly #deps: ReencryptionDeps;
  readonly #progress: ReencryptionProgress = { rows: 0, files: 0, allFiles: 0 };
  /** What the next transaction writes of it. */
  #next: (() => void) | undefined;
  #cancel: () => void = () => undefined;
  #isStopped = false;

  constructor(deps: ReencryptionDeps) {
    this.#deps = deps;
    deps.checkpoint.add(this);
    // Already now, for what the start records: what is replaced must not grow meanwhile.
    deps.journal.beginFile();
  }

  /**
   * Resolves with true when nothing needs an earlier key any more, with false when it was stopped: the next run goes on.
   * @throws BusError STORE_FAILED; STORE_UNREADABLE where a file of the journal is damaged, which then stays as it is.
   */
  async run(): Promise<boolean> {
    const { tables, journal, keys } = this.#deps;
    const files = journal.files();
    this.#progress.allFiles = files.length;
    for (const table of tables) if (!this.#isStopped) await this.#renewTable(table);
    for (const file of files) {
      await this.#renewFile(file);
      this.#progress.files++;
      await this.#pause(stepMs);
    }
    if (this.#isStopped) return false;
    await this.#transact(() => keys.keepPrimaryOnly());
    return true;
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  async #renewTable(table: EncryptedTable): Promise<void> {
    let after: Key | undefined;
    table.beginRenewal();
    do {
      await this.#transact(() => {
        const { rows, next } = table.renew(after, stepRows);
        after = next;
        this.#progress.rows += rows;
      });
      await this.#pause(stepMs);
    } while (after !== undefined && !this.#isStopped);
  }

  async #renewFile(file: number): Promise<void> {
    const { journal } = this.#deps;
    // It may be of no use since, and gone.
    if (!journal.files().includes(file)) return;
    const steps = journal.renewed(file);
    for (let step = steps.next(); !this.#isStopped; step = steps.next()) {
      if (!step.done) await this.#pause(stepMs);
      else {
        if (step.value) await this.#replaceFile(file, step.value);
        return;
      }
    }
  }

  async #replaceFile(file: number, bytes: Buffer): Promise<void> {
    const { journal } = this.#deps;
    while (!this.#isStopped && journal.files().includes(file)) {
      try {
        await journal.replaceFile(file, bytes);
        return;
      } catch (error) {
        if (!(error instanceof BusError) || error.code !== 'STORE_IN_USE') throw error;
        await this.#pause(backupMs);
      }
    }
  }

  /** Writes stand in front of what other parts of the checkpoint write, so that none of that is written over. */
  async #transact(write: () => void): Promise<void> {
    this.#next = write;
    await this.#deps.checkpoint.soon();
  }

  #pause(ms: number): Promise<void> {
    this.#deps.onProgress?.({ ...this.#progress });
    if (this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#deps.clock.schedule(ms, resolve);
      this.#cancel = () => {
        cancel();
        resolve();
      };
    });
  }

  // It has nothing that the journal holds back, and asks for its own transactions.
  oldest(): undefined {
    return undefined;
  }

  isDue(): boolean {
    return false;
  }

  write(): void {
    this.#next?.();
    this.#next = undefined;
  }

  written(): void {}
}
