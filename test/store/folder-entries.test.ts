// A new file or folder is only there after a power cut once the folder that it is in was flushed.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { resolveApiKey } from '../../src/config/api-key.ts';
import { resolveOptions } from '../../src/config/config.ts';
import type { NewMessage } from '../../src/ports/mailbox-store.ts';
import { openLmdbStore } from '../../src/store/lmdb.ts';

/** What a power cut would take away now, of what Node has made: paths whose folder was not flushed since. */
const unflushed = vi.hoisted(() => new Set<string>());

vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof import('node:fs')>();
  const folders = new Map<number, string>();
  return {
    ...fs,
    mkdirSync: (path: string, options: object) => {
      for (let one = resolve(path); !fs.existsSync(one); one = dirname(one)) unflushed.add(one);
      return fs.mkdirSync(path, options);
    },
    openSync: (path: string, flags: string | number, mode?: number) => {
      const isNew = !fs.existsSync(path);
      const fd = fs.openSync(path, flags, mode);
      if (isNew) unflushed.add(resolve(path));
      folders.set(fd, resolve(path));
      return fd;
    },
    linkSync: (from: string, to: string) => {
      fs.linkSync(from, to);
      unflushed.add(resolve(to));
    },
    fsyncSync: (fd: number) => {
      fs.fsyncSync(fd);
      flushed(folders.get(fd));
    },
  };
});

vi.mock('node:fs/promises', async (importOriginal) => {
  const fs = await importOriginal<typeof import('node:fs/promises')>();
  return {
    ...fs,
    open: async (path: string, flags: string) => {
      const handle = await fs.open(path, flags);
      const sync = handle.sync.bind(handle);
      handle.sync = async () => {
        await sync();
        flushed(resolve(path));
      };
      return handle;
    },
  };
});

function flushed(folder: string | undefined): void {
  for (const path of unflushed) if (dirname(path) === folder) unflushed.delete(path);
}

let root: string;
beforeEach(() => {
  unflushed.clear();
  root = realpathSync(mkdtempSync(join(tmpdir(), 'agent-bus-entries-')));
  onTestFinished(() => rmSync(root, { recursive: true }));
});

/** LMDB makes its lock anew where it is missing. */
const atRisk = () => [...unflushed].map((path) => relative(root, path)).filter((path) => !path.endsWith('-lock'));

const message = (messageId: string): NewMessage => ({
  messageId,
  mailbox: 'opencode://backend',
  priority: 'medium',
  acceptedAt: Date.now(),
  deadline: Date.now() + 300_000,
  retry: { maxRetries: 3, backoff: 'linear' },
  facts: { sender: 'claude-code://orchestrator', messageType: 'status_update' },
  bytes: Buffer.alloc(2_000),
});

it('is seen to be at risk where nobody has flushed its folder', async () => {
  const { mkdirSync } = await import('node:fs');
  mkdirSync(join(root, 'a/b'), { recursive: true });
  expect(atRisk().sort()).toEqual(['a', 'a/b']);
});

it('Every folder and file of a new store is flushed before the first message is confirmed', async () => {
  const store = openLmdbStore({ folder: join(root, 'deep/data') });
  await store.mailboxes.enqueue(message('m1'));
  expect(atRisk()).toEqual([]);
  await store.close();
});

it('Every further file of the journal is flushed before what is in it is confirmed', async () => {
  const store = openLmdbStore({ folder: join(root, 'data'), journalFileBytes: 1_000 });
  for (let count = 0; count < 5; count++) {
    await store.mailboxes.enqueue(message(`m${count}`));
    expect(atRisk()).toEqual([]);
  }
  await store.close();
});

it('What a process has made that was killed before it flushed is flushed by the next one', async () => {
  const folder = join(root, 'data');
  const before = openLmdbStore({ folder });
  await before.mailboxes.enqueue(message('m1'));
  await before.close();
  for (const path of ['journal', 'journal/00000001.log', 'bus.mdb']) unflushed.add(join(folder, path));
  const after = await vi.waitFor(() => openLmdbStore({ folder }));
  await after.mailboxes.enqueue(message('m2'));
  expect(atRisk()).toEqual([]);
  await after.close();
});

it('A data directory that the bus key came to first is flushed with it', () => {
  const config = resolveOptions({ persistenceEnabled: true, dataDir: join(root, 'deep/data') });
  expect(resolveApiKey(config)).toMatchObject({ generated: true });
  expect(atRisk()).toEqual([]);
});
