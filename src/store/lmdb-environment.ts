// Opens the LMDB environment: durable commits, one process, a format it knows.
import { randomInt } from 'node:crypto';
import { chmodSync, closeSync, openSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { makeFolder } from '../config/durable-folder.ts';
import { BusError } from '../protocol/errors.ts';
import { withoutBackups } from './backup-mark.ts';
import { isLmdbFile } from './lmdb-magic.ts';

/** Raised whenever an older program could misread what a newer one wrote. */
const formatVersion = '4';
const encryptedFormat = `${formatVersion}, encrypted`;

export type Key = (string | number)[] | string | number;

export interface Range {
  start?: Key;
  end?: Key;
  exclusiveStart?: boolean;
  reverse?: boolean;
  limit?: number;
}

/** What the store needs of a table: reads see what was committed, writes belong to the transaction they are made in. */
export interface Table {
  doesExist(key: Key): boolean;
  get(key: Key): Buffer | undefined;
  /** Valid until the next read. */
  getBinaryFast(key: Key): Buffer | undefined;
  getRange(range: Range): Iterable<{ key: Key; value: Buffer }>;
  getKeys(range: Range): Iterable<Key>;
  /** The value must stay as it is until the transaction has ended. */
  put(key: Key, value: Buffer): Promise<boolean>;
  remove(key: Key): Promise<boolean>;
}

export interface LmdbEnvironment {
  /** The same in every run; the journal that belongs to these tables bears it. */
  readonly id: number;
  table(name: string): Table;
  /** All writes of the call in one transaction; resolves when it is flushed. */
  transact(writes: () => void): Promise<unknown>;
  /** The same at once, for the start. @throws BusError STORE_FAILED */
  transactNow(writes: () => void): void;
  close(): Promise<void>;
}

/** In a data directory. */
export const storeFile = 'bus.mdb';

let lastUnwatched: Promise<unknown> | undefined;

/** For the writes of a transaction: whether they failed is told by the transaction. All of one batch are one promise. */
export function unwatched(write: Promise<unknown>): void {
  if (write === lastUnwatched) return;
  lastUnwatched = write;
  write.catch(() => undefined);
}

/** Files that this process has open: to LMDB, two openings by one process are one. */
const openPaths = new Set<string>();

/**
 * @param isEncrypted What a new one becomes, and one that exists has to be.
 * @throws BusError STORE_UNREADABLE where the folder cannot be opened or holds another format; STORE_FAILED; STORE_IN_USE;
 * ENCRYPTION_KEY_WRONG, STORE_NOT_ENCRYPTED.
 */
export function openEnvironment(folder: string, isEncrypted = false): LmdbEnvironment {
  makeFolder(folder);
  const path = join(realpathSync(folder), storeFile);
  if (openPaths.has(path)) throw inUse(path, process.pid);
  const root = openRoot(path);
  try {
    return checked(root, path, isEncrypted ? encryptedFormat : formatVersion);
  } catch (error) {
    void root.close();
    throw failure(path, error);
  }
}

/** What LMDB itself says, of a disk that is full or broken, has no code. */
function failure(path: string, cause: unknown): unknown {
  if (cause instanceof BusError) return cause;
  return new BusError('STORE_FAILED', `LMDB failed on ${path}: ${(cause as Error).message}`, { cause });
}

/** What LMDB creates is as open as the umask lets it be. */
function makeForOwner(path: string): void {
  closeSync(openSync(path, 'a', 0o600));
  chmodSync(path, 0o600);
}

function checked(root: RootDatabase<Buffer, string>, path: string, format: string): LmdbEnvironment {
  if (formatOf(root) === undefined) {
    root.transactionSync(() => {
      root.putSync('id', Buffer.from(String(randomInt(1, 2 ** 32))));
      root.putSync('format', Buffer.from(format));
    });
  }
  assertFormat(root, path);
  assertEncryption(root, path, format);
  const other = otherBusOn(root, path);
  if (other !== undefined) throw inUse(path, other);
  openPaths.add(path);
  return {
    id: Number(root.get('id')?.toString('utf8')),
    table: (name) => root.openDB({ name, encoding: 'binary' }),
    transact: (writes) => root.batch(writes),
    transactNow: (writes) => {
      try {
        root.transactionSync(writes);
      } catch (error) {
        throw failure(path, error);
      }
    },
    close: async () => {
      await root.close();
      openPaths.delete(path);
    },
  };
}

function formatOf(root: RootDatabase<Buffer, string>): string | undefined {
  return root.get('format')?.toString('utf8');
}

/** @throws BusError STORE_UNREADABLE where it is no store of a bus, or one of another format. */
function assertFormat(root: RootDatabase<Buffer, string>, path: string): void {
  const format = formatOf(root);
  if (format === formatVersion || format === encryptedFormat) return;
  const found = format === undefined ? 'is no store of a bus' : `has format ${format}`;
  throw new BusError('STORE_UNREADABLE', `${path} ${found}, this version reads format ${formatVersion} only.`);
}

/** @throws BusError ENCRYPTION_KEY_WRONG, STORE_NOT_ENCRYPTED. */
function assertEncryption(root: RootDatabase<Buffer, string>, path: string, wanted: string): void {
  const format = formatOf(root);
  if (format === wanted) return;
  if (format === encryptedFormat) {
    const text = `${path} is encrypted; set encryptionEnabled and give its key (AGENT_BUS_ENCRYPTION_KEY).`;
    throw new BusError('ENCRYPTION_KEY_WRONG', text);
  }
  const text = `${path} is not encrypted, and does not become so; choose another data directory, or unset encryptionEnabled.`;
  throw new BusError('STORE_NOT_ENCRYPTED', text);
}

export interface ReadableEnvironment {
  /** The most that a copy can have. */
  usedBytes: number;
  /** Writes a file with what is in the environment now; freed space is left out. */
  copyTo(path: string): Promise<void>;
  close(): Promise<void>;
}

/** Beside the process that writes to it. @throws BusError STORE_UNREADABLE. */
export function openToRead(path: string): ReadableEnvironment {
  const root = openRoot(path, { readOnly: true });
  try {
    assertFormat(root, path);
  } catch (error) {
    void root.close();
    throw error;
  }
  const { pageSize, lastPageNumber } = root.getStats() as { pageSize: number; lastPageNumber: number };
  return {
    usedBytes: pageSize * (lastPageNumber + 1),
    copyTo: (copy) => root.backup(copy, true),
    close: () => root.close(),
  };
}

/** Every process that has the file open has read from it, and stands in LMDB's table of readers. */
function otherBusOn(root: RootDatabase<Buffer, string>, path: string): number | undefined {
  root.readerCheck();
  const pids = [...root.readerList().matchAll(/^\s*(\d+)\s/gm)].map(([, pid]) => Number(pid));
  return withoutBackups(path, pids).find((pid) => pid !== process.pid);
}

function inUse(path: string, pid: number): BusError {
  return new BusError(
    'STORE_IN_USE',
    `${path} is open in process ${pid}; stop that bus, or choose another data directory.`,
  );
}

function openRoot(path: string, more: { readOnly?: boolean } = {}): RootDatabase<Buffer, string> {
  try {
    const isNew = !more.readOnly && !statSync(path, { throwIfNoEntry: false })?.size;
    if (!isNew && !isLmdbFile(path)) throw new Error('it is no store');
    if (!more.readOnly) for (const file of [path, `${path}-lock`]) makeForOwner(file);
    return open({
      ...more,
      path,
      noSubdir: true,
      encoding: 'binary',
      maxDbs: 16,
      // A resolved write is then a flushed one. Overlapped, it would be committed but not yet on disk.
      overlappingSync: false,
      // A full disk must be an error of the commit, not a signal that kills the process.
      useWritemap: false,
      compression: false,
      mapSize: 64 * 2 ** 20,
    });
  } catch (cause) {
    throw new BusError('STORE_UNREADABLE', `${path} cannot be opened: ${(cause as Error).message}`, { cause });
  }
}
