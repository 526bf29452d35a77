// Folders and their entries that are still there after a power cut.
import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** Windows has no handle of a folder that could be flushed. */
export const flushesFolders = process.platform !== 'win32';

/** Makes the folder where it is missing, mode 0700, and those that it is in. */
export function makeFolder(path: string): void {
  const first = mkdirSync(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  const above = dirname(resolve(first));
  let folder = resolve(path);
  do {
    folder = dirname(folder);
    flushFolder(folder);
  } while (folder !== above);
}

/** What it has an entry of stays there: a file that is flushed itself may still be missing. */
export function flushFolder(path: string): void {
  if (!flushesFolders) return;
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
