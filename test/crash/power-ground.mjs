// A small ext4 on a loop device whose operating system "crashes": what was not flushed is gone, and the next boot has another id.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const execute = promisify(execFile);

const bootId = '/proc/sys/kernel/random/boot_id';
const imageBytes = 512 * 2 ** 20;
/**
 * EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH: the file system stops at once, and not even its journal is written.
 * Whoever lost power says nothing any more, so the thread that answers is stopped first; writes that are under way go on.
 * Without that the server lived on for some milliseconds, in which ext4 may report a flush that the shutdown has overtaken.
 */
const powerCut = `
import fcntl, os, signal, struct, sys
disk, pid = os.open(sys.argv[1], os.O_RDONLY), int(sys.argv[2])
os.kill(pid, signal.SIGSTOP)
while open(f'/proc/{pid}/task/{pid}/stat').read().rpartition(')')[2].split()[0] != 'T': pass
fcntl.ioctl(disk, 0x8004587d, struct.pack('I', 2))
`;

/** @returns {string | undefined} why it cannot be done here */
export function obstacle() {
  if (process.platform !== 'linux') return 'it needs Linux';
  if (process.getuid?.() !== 0) return 'it needs root';
  if (!existsSync('/dev/loop-control')) return 'it needs loop devices';
  const path = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`.split(':');
  const missing = ['python3', 'mkfs.ext4', 'mount', 'unshare'].filter(
    (name) => !path.some((dir) => existsSync(join(dir, name))),
  );
  return missing.length > 0 ? `it needs ${missing.join(', ')}` : undefined;
}

/**
 * Must run in a mount namespace of its own: all mounts end with it.
 * @param {string} folder @returns {Promise<{ ground: import('./cycles.mjs').Ground, release: () => Promise<void> }>}
 */
export async function preparePower(folder) {
  const image = join(folder, 'disk.img');
  const disk = join(folder, 'disk');
  await mkdir(disk, { recursive: true });
  await execute('truncate', ['-s', String(imageBytes), image]);
  await execute('mkfs.ext4', ['-qF', image]);
  const boot = async () => {
    await execute('mount', ['-o', 'loop', image, disk]);
    const id = join(folder, 'boot_id');
    await writeFile(id, `${randomUUID()}\n`);
    // LMDB trusts commits that were not flushed as long as the machine has not booted since.
    await execute('mount', ['--bind', id, bootId]);
  };
  const unmount = async () => {
    await execute('umount', [bootId]);
    await unmountWhenIdle(disk);
  };
  await boot();
  /** @type {import('./cycles.mjs').Ground} */
  const ground = {
    dataDir: join(disk, 'data'),
    crash: async (server) => {
      await execute('python3', ['-c', powerCut, disk, String(server.pid)]);
      await server.kill();
      await unmount();
      await boot();
    },
  };
  return { ground, release: unmount };
}

/** The kernel may hold a file system of a dead process for a moment. @param {string} disk */
async function unmountWhenIdle(disk) {
  for (let tries = 1; ; tries++) {
    try {
      await execute('umount', [disk]);
      return;
    } catch (error) {
      if (tries === 50) throw error;
      await delay(100);
    }
  }
}
