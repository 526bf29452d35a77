// `agent-bus backup`: copies the data directory, and says on stderr how far it is.
import type { BusConfig } from '../config/config.ts';
import { backUp } from '../server.ts';

/** @returns what was copied and how to serve it. @throws BusError STORE_UNREADABLE, BACKUP_FAILED */
export async function backup({ dataDir }: Pick<BusConfig, 'dataDir'>, folder: string): Promise<string> {
  // What LMDB creates is for its owner only.
  process.umask(0o077);
  const bytes = await backUp({
    from: dataDir,
    to: folder,
    onProgress: (written, atMost) =>
      process.stderr.write(`agent-bus: ${mebibytes(written)} of at most ${mebibytes(atMost)} MiB copied\n`),
  });
  return (
    `Copied ${dataDir} to ${folder} (${mebibytes(bytes)} MiB).\n` +
    `  agent-bus serve --persistence-enabled --data-dir ${folder}\n`
  );
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
