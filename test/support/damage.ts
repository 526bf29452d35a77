// Changes what the ledger has stored of messages, as a failing disk does; the store must be closed.
import { join } from 'node:path';
import { open } from 'lmdb';

/** Flips one bit in the record of each. */
export async function damageRecords(folder: string, ...messageIds: string[]): Promise<void> {
  const raw = open({ path: join(folder, 'bus.mdb'), noSubdir: true, encoding: 'binary', maxDbs: 16 });
  const ledger = raw.openDB<Buffer, string>({ name: 'ledger', encoding: 'binary' });
  for (const id of messageIds) {
    const record = Buffer.from(ledger.get(id) ?? '');
    record.writeUInt8(record.readUInt8(20) ^ 1, 20);
    await ledger.put(id, record);
  }
  await raw.close();
}
