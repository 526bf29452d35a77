// The files of the journal: appended to, read back, cut off, removed.
import {
  closeSync,
  constants,
  fdatasync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  unlinkSync,
  write,
} from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { flushesFolders, flushFolder, makeFolder } from '../config/durable-folder.ts';
import { BusError } from '../protocol/errors.ts';

export interface JournalDisk {
  /** Numbers of the files, ascending. */
  files(): number[];
  /** 0 where there is none. */
  size(file: number): number;
  /** As much as there is of so many bytes. @throws BusError STORE_UNREADABLE. */
  read(file: number, offset: number, length: number): Buffer;
  /** At offset 0 it makes the file, which must not exist. Resolves when file and bytes are flushed. One at a time. */
  append(file: number, offset: number, bytes: Buffer): Promise<void>;
  /** What lies behind is gone; with offset 0 so is the file. */
  truncate(file: number, offset: number): void;
  /** The file has these bytes or, after a crash, those of before. @throws BusError STORE_IN_USE while a backup may need those. */
  replace(file: number, bytes: Buffer): Promise<void>;
  /** @throws BusError STORE_IN_USE while a backup may still need it. */
  remove(file: number): Promise<void>;
  close(): void;
}

/** There a write returns when it is on disk. Elsewhere a flush must follow, which takes another trip through the pool. */
const writesThrough = process.platform === 'linux';
const appending = constants.O_WRONLY | (writesThrough ? constants.O_DSYNC : 0);
const fileName = /^(\d{8,})\.log$/;

/** Behind the name of a file that is to take the place of another. */
const unfinished = '.new';

/** In a data directory. */
export const journalFolder = 'journal';

/** Names of the files in a folder, oldest first. */
export function journalFilesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => fileName.test(name))
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
}

/** @param isBeingCopied True while no file may go. */
export function openJournalDisk(folder: string, isBeingCopied: () => boolean = () => false): JournalDisk {
  makeFolder(folder);
  removeUnfinished(folder);
  // Also what was there: who has made it may have been killed before it was flushed.
  for (const one of [folder, dirname(folder)]) flushFolder(one);
  return new Files(folder, isBeingCopied);
}

/** What a crash has left of replacements. */
function removeUnfinished(folder: string): void {
  for (const name of readdirSync(folder)) if (name.endsWith(unfinished)) unlinkSync(join(folder, name));
}

class Files implements JournalDisk {
  readonly #folder: string;
  readonly #isBeingCopied: () => boolean;
  #appending: { file: number; fd: number } | undefined;
  #reading: { file: number; fd: number } | undefined;

  constructor(folder: string, isBeingCopied: () => boolean) {
    this.#folder = folder;
    this.#isBeingCopied = isBeingCopied;
  }

  files(): number[] {
    return journalFilesIn(this.#folder).map((name) => Number.parseInt(name, 10));
  }

  size(file: number): number {
    return statSync(this.#path(file), { throwIfNoEntry: false })?.size ?? 0;
  }

  read(file: number, offset: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafeSlow(Math.max(0, length));
    const fd = this.#readable(file);
    let size = 0;
    while (size < length) {
      const read = readSync(fd, bytes, size, length - size, offset + size);
      if (read === 0) break;
      size += read;
    }
    return bytes.subarray(0, size);
  }

  async append(file: number, offset: number, bytes: Buffer): Promise<void> {
    const fd = offset === 0 ? await this.#create(file) : this.#appendable(file);
    await writeAll(fd, bytes, offset);
    if (offset === 0) await this.#flushFolder();
  }

  truncate(file: number, offset: number): void {
    if (offset === 0) {
      // Another file may come to have its name.
      if (this.#reading?.file === file) this.#closeReading();
      unlinkSync(this.#path(file));
    } else {
      const fd = openSync(this.#path(file), 'r+');
      try {
        ftruncateSync(fd, offset);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    }
  }

  async replace(file: number, bytes: Buffer): Promise<void> {
    this.#assertNotCopied();
    const aside = this.#path(file) + unfinished;
    try {
      await writeFlushed(aside, bytes);
      this.#assertNotCopied();
      if (this.#reading?.file === file) this.#closeReading();
      await rename(aside, this.#path(file));
    } catch (error) {
      await unlink(aside).catch(() => undefined);
      throw error;
    }
    await this.#flushFolder();
  }

  async remove(file: number): Promise<void> {
    this.#assertNotCopied();
    if (this.#reading?.file === file) this.#closeReading();
    await unlink(this.#path(file));
  }

  close(): void {
    this.#closeReading();
    if (this.#appending) closeSync(this.#appending.fd);
    this.#appending = undefined;
  }

  #assertNotCopied(): void {
    if (!this.#isBeingCopied()) return;
    throw new BusError('STORE_IN_USE', 'A backup is on its way; files stay until it is done.');
  }

  #path(file: number): string {
    return join(this.#folder, `${String(file).padStart(8, '0')}.log`);
  }

  #readable(file: number): number {
    if (this.#reading?.file === file) return this.#reading.fd;
    this.#closeReading();
    try {
      const fd = openSync(this.#path(file), 'r');
      this.#reading = { file, fd };
      return fd;
    } catch (cause) {
      throw new BusError('STORE_UNREADABLE', `${this.#path(file)} cannot be read: ${(cause as Error).message}`, {
        cause,
      });
    }
  }

  #closeReading(): void {
    if (this.#reading) closeSync(this.#reading.fd);
    this.#reading = undefined;
  }

  async #create(file: number): Promise<number> {
    return this.#appendTo(file, openSync(this.#path(file), appending | constants.O_CREAT | constants.O_EXCL, 0o600));
  }

  #appendable(file: number): number {
    if (this.#appending?.file === file) return this.#appending.fd;
    return this.#appendTo(file, openSync(this.#path(file), appending));
  }

  #appendTo(file: number, fd: number): number {
    if (this.#appending) closeSync(this.#appending.fd);
    this.#appending = { file, fd };
    return fd;
  }

  /** Without it a new file may be missing after a power cut. */
  async #flushFolder(): Promise<void> {
    if (!flushesFolders) return;
    const folder = await open(this.#folder, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

async function writeFlushed(path: string, bytes: Buffer): Promise<void> {
  const handle = await open(path, 'w', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Resolves when the bytes are on disk. A write may take a part only, before it says why. */
function writeAll(fd: number, bytes: Buffer, offset: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (error: Error | null): void => (error ? reject(error) : resolve());
    const writeFrom = (begin: number): void => {
      write(fd, bytes, begin, bytes.length - begin, offset + begin, (error, written) => {
        if (error) reject(error);
        else if (begin + written < bytes.length) writeFrom(begin + written);
        else if (writesThrough) resolve();
        else fdatasync(fd, end);
      });
    };
    writeFrom(0);
  });
}
