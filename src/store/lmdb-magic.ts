// Whether a file is LMDB's: its library ends the process where it is not.
import { closeSync, openSync, readSync } from 'node:fs';

/** Behind the head of the first page; little-endian, as are all machines that the library is built for. */
const offset = 24;
const magic = Buffer.of(0xde, 0xc0, 0xef, 0xbe);

/** An empty file is not. @throws Error of the system where it cannot be read. */
export function isLmdbFile(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const found = Buffer.alloc(magic.length);
    readSync(file, found, 0, found.length, offset);
    return found.equals(magic);
  } finally {
    closeSync(file);
  }
}
