import { createMemoryStore } from '../../src/store/memory.ts';
import { mailboxContract } from './mailbox-contract.ts';

mailboxContract('memory', async (clock) => ({
  store: createMemoryStore({ clock, random: () => 0 }),
  dispose: async () => undefined,
}));
