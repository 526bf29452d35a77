// A consistent copy of a data directory, made while a bus writes to it.
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { BusError } from '../protocol/errors.ts';
import { markBackup } from './backup-mark.ts';
import { journalFilesIn, journalFolder } from './journal-disk.ts';
import { openToRead, type ReadableEnvironment, storeFile } from './lmdb-environment.ts';

/** What lies beside the store and belongs to it; absent where the key is configured. */
const keyFile = 'api-key';
const progressMs = 1_000;

export interface BackupOptions {
  /** The data directory. */
  from: string;
  /** The folder to make, in one that exists. */
  to: string;
  /** Called every second with the bytes written so far and the most that they can become. */
  onProgress?: (written: number, atMost: number) => void;
}

/**
 * Copies everything that was confirmed before the call, as the store was at one moment. The folder appears when all of it
 * is on disk, and can be served like the original.
 * @returns the bytes of the copy.
 * @throws BusError STORE_UNREADABLE for what is no data directory of this version, BACKUP_FAILED where the copy exists
 * already or cannot be written.
 */
export async function backUp({ from, to, onProgress }: BackupOptions): Promise<number> {
  const target = resolve(to);
  if (existsSync(target)) throw new BusError('BACKUP_FAILED', `${target} exists; name a folder that does not.`);
  const path = join(resolve(from), storeFile);
  if (!existsSync(path)) {
    throw new BusError('STORE_UNREADABLE', `${path} does not exist; name the data directory with --data-dir.`);
  }
  const unmark = markBackup(path);
  try {
    const environment = openToRead(path);
    try {
      return await copyAside(environment, path, target, onProgress);
    } finally {
      await environment.close();
    }
  } finally {
    unmark();
  }
}

/** Into a folder beside the target, so that an unfinished copy never has its name. */
async function copyAside(
  environment: ReadableEnvironment,
  path: string,
  target: string,
  onProgress: BackupOptions['onProgress'],
): Promise<number> {
  let aside: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    aside = await mkdtemp(`${target}.partial-`);
    const copy = join(aside, storeFile);
    const report = () =>
      stat(copy).then(
        ({ size }) => onProgress?.(size, environment.usedBytes),
        () => undefined,
      );
    timer = setInterval(report, progressMs);
    await environment.copyTo(copy);
    await keepForOwner(copy);
    const journalBytes = await copyJournal(join(dirname(path), journalFolder), join(aside, journalFolder));
    const key = join(dirname(path), keyFile);
    if (existsSync(key)) {
      await copyFile(key, join(aside, keyFile));
      await keepForOwner(join(aside, keyFile));
    }
    const { size } = await stat(copy);
    await flush(aside);
    await rename(aside, target);
    await flush(dirname(target));
    return size + journalBytes;
  } catch (cause) {
    if (aside !== undefined) await rm(aside, { recursive: true, force: true });
    throw new BusError('BACKUP_FAILED', `${target} could not be made: ${(cause as Error).message}.`, { cause });
  } finally {
    clearInterval(timer);
  }
}

/**
 * After the tables: a journal may be newer than they are, not older. No file goes while the mark is there and only the newest
 * grows, so that the files of one listing, copied in their order, are the journal up to some moment. What that cut short at its end is cut off at the start.
 * @returns the bytes of the copies.
 */
async function copyJournal(from: string, to: string): Promise<number> {
  await mkdir(to, { mode: 0o700 });
  let bytes = 0;
  for (const name of journalFilesIn(from)) {
    const copy = join(to, name);
    await copyFile(join(from, name), copy);
    await keepForOwner(copy);
    bytes += (await stat(copy)).size;
  }
  await flush(to);
  return bytes;
}

async function keepForOwner(path: string): Promise<void> {
  await chmod(path, 0o600);
  await flush(path);
}

/** What is in a file, or which names are in a folder, survives a loss of power. */
async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
