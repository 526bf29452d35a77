import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/ports/clock.ts';
import { openLmdbStore } from '../../src/store/lmdb.ts';
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
