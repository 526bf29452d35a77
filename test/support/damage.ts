// Changes what the tables have stored, as a failing disk does; the store must be closed.
import { join } from 'node:path';
import { open } from 'lmdb';

type Key = string | number;

/** Flips one bit in the ledger's record of each. */
export function damageRecords(folder: string, ...messageIds: string[]): Promise<void> {
  return damageRows(folder, 'ledger', messageIds);
}

/** Flips one bit of a byte of each of the rows. */
export async function damageRows(folder: string, table: string, keys: readonly Key[], byte = 20): Promise<void> {
  const raw = open({ path: join(folder, 'bus.mdb'), noSubdir: true, encoding: 'binary', maxDbs: 16 });
  const rows = raw.openDB<Buffer, Key>({ name: table, encoding: 'binary' });
  for (const key of keys) {
    const row = Buffer.from(rows.get(key) ?? '');
    row.writeUInt8(row.readUInt8(byte) ^ 1, byte);
    await rows.put(key, row);
  }
  await raw.close();
}
