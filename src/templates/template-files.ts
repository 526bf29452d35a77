// Templates out of JSON files.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BusError } from '../protocol/errors.ts';

export interface FileEntry {
  file: string;
  /** Not checked yet. */
  value: unknown;
}

/**
 * What a file, or each `.json` file of a folder in the order of their names, holds: one value, or each of a list.
 * @throws BusError CONFIG_INVALID naming what cannot be read
 */
export function readEntries(path: string): FileEntry[] {
  return attempt(path, () => filesOf(path)).flatMap((file) => {
    const content = attempt(file, () => JSON.parse(readFileSync(file, 'utf8')) as unknown);
    return (Array.isArray(content) ? content : [content]).map((value) => ({ file, value }));
  });
}

function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  const names = readdirSync(path).filter((name) => name.endsWith('.json'));
  return names.sort().map((name) => join(path, name));
}

function attempt<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = cause instanceof SyntaxError ? `is not JSON: ${message}` : `cannot be read (${code})`;
    const fault = `template file ${path} ${why}`;
    throw new BusError('CONFIG_INVALID', `The ${fault}.`, { details: [{ path: '', message: fault }], cause });
  }
}
