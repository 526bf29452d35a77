// Opens the LMDB environment: durable commits, one process, a format it knows.
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { BusError } from '../protocol/errors.ts';

/** Raised whenever an older program could misread what a newer one wrote. */
const formatVersion = 1;

export type Table = Database<Buffer, (string | number)[] | string | number>;

export interface LmdbEnvironment {
  root: RootDatabase<Buffer, string>;
  table(name: string): Table;
}

/** @throws BusError STORE_UNREADABLE where the folder cannot be opened or holds another format. */
export function openEnvironment(folder: string): LmdbEnvironment {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'bus.mdb');
  const root = openRoot(path);
  chmodSync(path, 0o600);
  const known = root.get('format')?.toString('utf8');
  if (known === undefined) root.putSync('format', Buffer.from(String(formatVersion)));
  else if (known !== String(formatVersion)) {
    throw new BusError('STORE_UNREADABLE', `${path} has format ${known}, this version reads ${formatVersion} only.`);
  }
  return { root, table: (name) => root.openDB({ name, encoding: 'binary' }) };
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
