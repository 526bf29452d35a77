// Opens the LMDB environment: durable commits, one process, a format it knows.
import { chmodSync, mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { BusError } from '../protocol/errors.ts';

/** Raised whenever an older program could misread what a newer one wrote. */
const formatVersion = 1;

export type Table = Database<Buffer, (string | number)[] | string | number>;

export interface LmdbEnvironment {
  table(name: string): Table;
  /** All writes of the call in one transaction; resolves when it is flushed. */
  transact(writes: () => void): Promise<unknown>;
  close(): Promise<void>;
}

let lastUnwatched: Promise<unknown> | undefined;

/** For the writes of a transaction: whether they failed is told by the transaction. All of one batch are one promise. */
export function unwatched(write: Promise<unknown>): void {
  if (write === lastUnwatched) return;
  lastUnwatched = write;
  write.catch(() => undefined);
}

/** Files that this process has open: to LMDB, two openings by one process are one. */
const openPaths = new Set<string>();

/** @throws BusError STORE_UNREADABLE where the folder cannot be opened or holds another format; STORE_IN_USE. */
export function openEnvironment(folder: string): LmdbEnvironment {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(realpathSync(folder), 'bus.mdb');
  if (openPaths.has(path)) throw inUse(path, process.pid);
  const root = openRoot(path);
  try {
    return checked(root, path);
  } catch (error) {
    void root.close();
    throw error;
  }
}

function checked(root: RootDatabase<Buffer, string>, path: string): LmdbEnvironment {
  chmodSync(path, 0o600);
  const known = root.get('format')?.toString('utf8');
  if (known === undefined) root.putSync('format', Buffer.from(String(formatVersion)));
  else if (known !== String(formatVersion)) {
    throw new BusError('STORE_UNREADABLE', `${path} has format ${known}, this version reads ${formatVersion} only.`);
  }
  const other = otherProcessOn(root);
  if (other !== undefined) throw inUse(path, other);
  openPaths.add(path);
  return {
    table: (name) => root.openDB({ name, encoding: 'binary' }),
    transact: (writes) => root.batch(writes),
    close: async () => {
      await root.close();
      openPaths.delete(path);
    },
  };
}

/** Every process that has the file open has read from it, and stands in LMDB's table of readers. */
function otherProcessOn(root: RootDatabase<Buffer, string>): number | undefined {
  root.readerCheck();
  const pids = root.readerList().matchAll(/^\s*(\d+)\s/gm);
  return [...pids].map(([, pid]) => Number(pid)).find((pid) => pid !== process.pid);
}

function inUse(path: string, pid: number): BusError {
  return new BusError(
    'STORE_IN_USE',
    `${path} is open in process ${pid}; stop that bus, or choose another data directory.`,
  );
}

function openRoot(path: string): RootDatabase<Buffer, string> {
  try {
    return open({
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
