import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbStore } from '../../src/store/lmdb.ts';
import { mailboxContract } from './mailbox-contract.ts';

mailboxContract('lmdb', async (clock) => {
  const folder = mkdtempSync(join(tmpdir(), 'agent-bus-'));
  return {
    store: openLmdbStore({ folder, clock, random: () => 0 }),
    dispose: async () => rmSync(folder, { recursive: true, force: true }),
  };
});
