import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { systemClock } from '../../src/ports/clock.ts';
import { openLmdbStore } from '../../src/store/lmdb.ts';
import { newMessage } from '../support/new-message.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { keyContract } from './key-contract.ts';
import { mailboxContract } from './mailbox-contract.ts';

const kinds = { lmdb: undefined, 'encrypted lmdb': [Buffer.alloc(32, 7)] };

for (const [kind, encryptionKeys] of Object.entries(kinds)) {
  const open = async (clock = systemClock) => {
    const folder = mkdtempSync(join(tmpdir(), 'agent-bus-'));
    return {
      store: openLmdbStore({ folder, clock, random: () => 0, encryptionKeys }),
      dispose: async () => rmSync(folder, { recursive: true, force: true }),
    };
  };
  mailboxContract(kind, open);
  keyContract(kind, open);
}

it('keeps no file open of a store that it refuses', async () => {
  const folder = temporaryFolder();
  const store = openLmdbStore({ folder });
  for (const id of ['a', 'b'])
    await store.mailboxes.enqueue(newMessage(id, { bytes: Buffer.from(`{"mark":"${id}"}`) }));
  const image = readFileSync(join(folder, 'bus.mdb'));
  const journal = join(folder, 'journal', '00000001.log');
  const bytes = readFileSync(journal);
  await store.close();
  // As it was before the end: all of the journal is replayed, and damaged in the middle.
  bytes.write('?', bytes.indexOf('mark'));
  writeFileSync(join(folder, 'bus.mdb'), image);
  writeFileSync(journal, bytes);
  const openFiles = () => readdirSync('/dev/fd').length;
  const before = openFiles();
  for (let attempt = 0; attempt < 20; attempt++) {
    const refused = expect.objectContaining({ code: 'STORE_UNREADABLE' });
    await vi.waitFor(() => expect(() => openLmdbStore({ folder })).toThrow(refused));
  }
  await expect.poll(openFiles).toBeLessThan(before + 10);
});
