// Append-only files under the journal's interface: a crash keeps what was flushed, and of the last append all, nothing, or a
// torn part.
import type { JournalDisk } from '../../src/store/journal-disk.ts';
import type { Random } from './random.ts';
import type { Life } from './scheduler.ts';

export interface JournalFilesOptions {
  random: Random;
  /** The longest that a flush takes. */
  slowestMs: number;
  /** Whether the flush that ends now fails. */
  fails: () => boolean;
}

export class JournalFiles {
  readonly #options: JournalFilesOptions;
  readonly #files = new Map<number, Buffer>();
  /** What is being flushed, at the end of a file. */
  #pending: { file: number; offset: number } | undefined;

  constructor(options: JournalFilesOptions) {
    this.#options = options;
  }

  get unflushed(): number {
    return this.#pending ? 1 : 0;
  }

  /** The files as one run of the server sees them. */
  open(life: Life): JournalDisk {
    return {
      files: () => [...this.#files.keys()].sort((a, b) => a - b),
      size: (file) => this.#content(file).length,
      read: (file, offset, length) => Buffer.from(this.#content(file).subarray(offset, offset + length)),
      append: (file, offset, bytes) => this.#append(life, file, offset, bytes),
      replace: (file, bytes) => this.#replace(life, file, bytes),
      truncate: (file, offset) => this.#cut(file, offset),
      remove: async (file) => this.#cut(file, 0),
      close: () => undefined,
    };
  }

  /** The machine stops. True if it keeps the whole of what was not flushed. */
  crash(): boolean {
    const { random } = this.#options;
    const pending = this.#pending;
    this.#pending = undefined;
    if (!pending || random.chance(0.35)) return true;
    const { file, offset } = pending;
    const written = this.#content(file).length - offset;
    this.#cut(file, offset + random.between(0, written - 1));
    const torn = this.#content(file).subarray(offset);
    // Pages reach the disk in any order: the first may be missing where later ones are there.
    if (torn.length > 0 && random.chance(0.3)) torn.fill(0, 0, random.between(1, torn.length));
    return false;
  }

  #content(file: number): Buffer {
    return this.#files.get(file) ?? Buffer.alloc(0);
  }

  #cut(file: number, offset: number): void {
    if (offset === 0) this.#files.delete(file);
    else this.#files.set(file, Buffer.from(this.#content(file).subarray(0, offset)));
  }

  /** Until it is flushed, a crash decides which of the two there is. */
  #replace(life: Life, file: number, bytes: Buffer): Promise<void> {
    const { random, slowestMs } = this.#options;
    const replacement = Buffer.from(bytes);
    return new Promise((resolve) => {
      life.after(random.between(0, slowestMs), () => {
        if (replacement.length !== this.#content(file).length) throw new Error('a replacement of another length');
        this.#files.set(file, replacement);
        resolve();
      });
    });
  }

  #append(life: Life, file: number, offset: number, bytes: Buffer): Promise<void> {
    if (this.#pending) throw new Error('an append while another is under way');
    if (offset !== this.#content(file).length) throw new Error('an append that is not at the end of its file');
    this.#files.set(file, Buffer.concat([this.#content(file), bytes]));
    this.#pending = { file, offset };
    const { random, slowestMs, fails } = this.#options;
    return new Promise((resolve, reject) => {
      life.after(random.between(0, slowestMs), () => {
        if (fails()) {
          // Nobody knows what is on the disk now: the crash that follows decides.
          reject(new Error('EIO: the flush failed'));
          return;
        }
        this.#pending = undefined;
        resolve();
      });
    });
  }
}
