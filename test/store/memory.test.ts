import { createMemoryStore } from '../../src/store/memory.ts';
import { keyContract } from './key-contract.ts';
import { mailboxContract } from './mailbox-contract.ts';

const dispose = async () => undefined;

mailboxContract('memory', async (clock) => ({ store: createMemoryStore({ clock, random: () => 0 }), dispose }));
keyContract('memory', async () => ({ store: createMemoryStore(), dispose }));
