// How a process that only copies the store says so: an empty file beside it, so that a bus that starts meanwhile does not
// take it for another bus.
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';

const markOf = (path: string, pid: number): string => `${path}-backup-${pid}`;

/** Before the store is opened. @param path Of the store's file. @returns takes the mark away again. */
export function markBackup(path: string): () => void {
  const mark = markOf(path, process.pid);
  writeFileSync(mark, '', { mode: 0o600 });
  return () => rmSync(mark, { force: true });
}

/**
 * The processes that are no backups, of those that have the store open. Marks that killed backups left are removed, that of
 * an earlier process with this pid too: who opens the store next must not take this bus for a backup.
 */
export function withoutBackups(path: string, pids: readonly number[]): number[] {
  const prefix = basename(markOf(path, 0)).slice(0, -1);
  const backups = new Set<number>();
  for (const name of readdirSync(dirname(path))) {
    if (!name.startsWith(prefix)) continue;
    const pid = Number(name.slice(prefix.length));
    if (pid !== process.pid && pids.includes(pid)) backups.add(pid);
    else rmSync(markOf(path, pid), { force: true });
  }
  return pids.filter((pid) => !backups.has(pid));
}

/** Whether a backup is on its way: what it may still copy has to stay. Marks that killed backups left count for nothing. */
export function isBeingBackedUp(path: string): boolean {
  const prefix = basename(markOf(path, 0)).slice(0, -1);
  return readdirSync(dirname(path)).some(
    (name) => name.startsWith(prefix) && isAlive(Number(name.slice(prefix.length))),
  );
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Somebody else's process is one as well.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
