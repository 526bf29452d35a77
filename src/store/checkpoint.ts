// Brings what the journal says to the tables, beside the mail: never what is not flushed, never much at once.
import type { GroupCommit } from './group-commit.ts';
import type { Journal } from './journal.ts';

/** Something that is in the journal at once and in the tables later. */
export interface CheckpointPart {
  /** The first block with something that the tables do not have; undefined where they have all. */
  oldest(): number | undefined;
  isDue(flushed: number): boolean;
  /** Called in a transaction of the tables. Writes what is due, or all; nothing that the journal holds at `flushed` or behind. */
  write(flushed: number, all: boolean): void;
  /** What was written is flushed. */
  written(): void;
}

export class Checkpoint {
  readonly #journal: Journal;
  readonly #tables: GroupCommit;
  readonly #writeMark: (position: number) => void;
  readonly #parts: CheckpointPart[] = [];
  /** Parts that are to be written as a whole. */
  #asked = new Set<CheckpointPart>();
  /** The transaction that is joined next. */
  #next: Promise<void> | undefined;
  /** The latest one; what parts have handed to it they do not know as missing any more. */
  #latest: Promise<void> | undefined;

  /** What lies in front of the mark need not be replayed. */
  constructor(journal: Journal, tables: GroupCommit, writeMark: (position: number) => void) {
    this.#journal = journal;
    this.#tables = tables;
    this.#writeMark = writeMark;
  }

  add(part: CheckpointPart): void {
    this.#parts.push(part);
  }

  /** The journal has grown: something may be due. */
  look(): void {
    const { flushed } = this.#journal;
    if (!this.#next && this.#parts.some((part) => part.isDue(flushed))) void this.#schedule();
  }

  /** Resolves when the tables have all that the journal had flushed of this part. @throws BusError STORE_FAILED */
  async complete(part: CheckpointPart): Promise<void> {
    if (part.oldest() === undefined) {
      await this.#latest;
      return;
    }
    this.#asked.add(part);
    await this.soon();
  }

  /** Resolves when the tables have all that the journal had flushed. @throws BusError STORE_FAILED */
  async completeAll(): Promise<void> {
    for (const part of this.#parts) this.#asked.add(part);
    await this.soon();
  }

  /** Resolves when the next transaction is flushed, which each part may write in. @throws BusError STORE_FAILED */
  soon(): Promise<void> {
    return this.#next ?? this.#schedule();
  }

  #schedule(): Promise<void> {
    const group = this.#tables.join();
    this.#next = group.done;
    this.#latest = group.done;
    group.write(() => this.#write());
    group.afterFlush(() => {
      for (const part of this.#parts) part.written();
    });
    return group.done;
  }

  #write(): void {
    const { flushed } = this.#journal;
    const asked = this.#asked;
    this.#asked = new Set();
    this.#next = undefined;
    for (const part of this.#parts) part.write(flushed, asked.has(part));
    const oldest = this.#parts.map((part) => part.oldest() ?? flushed);
    this.#writeMark(Math.min(flushed, ...oldest));
  }
}
