// One trial of a storage fault: load, the fault, the end of the server, a restart on the same files, a drain, the check.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { check } from './checker.mjs';
import { encryptionFlags } from './encryption.mjs';
import { readFinalState } from './final-state.mjs';
import { Fleet } from './fleet.mjs';
import { History, readHistory } from './history.mjs';
import { createRandom } from './random.mjs';
import { ServerUnderTest } from './server-under-test.mjs';

/**
 * @typedef {object} Trial
 * @property {string} main
 * @property {string} folder For the history.
 * @property {string} dataDir
 * @property {number} seed
 * @property {readonly string[]} [flags]
 * @property {boolean} [encrypted] Whether the store is, under another key at each start.
 * @property {boolean} [control]
 * @property {(server: ServerUnderTest, history: History) => Promise<void>} trouble
 *   Makes the fault while mail flows, and sees to it that the server is gone afterwards.
 */

/** @param {Trial} trial */
export async function runTrial({
  main,
  folder,
  dataDir,
  seed,
  flags = [],
  encrypted = false,
  control = false,
  trouble,
}) {
  await mkdir(folder, { recursive: true });
  const history = new History(join(folder, 'history.jsonl'));
  const fleet = new Fleet(history, createRandom(seed));
  /** @type {ServerUnderTest[]} */
  const servers = [];
  const start = async () => {
    const all = ['--shutdown-timeout', '2s', ...flags, ...encryptionFlags(encrypted, servers.length)];
    const server = new ServerUnderTest({ main, dataDir, flags: all });
    servers.push(server);
    await server.ready();
    history.record({ kind: 'start' });
    return server;
  };
  try {
    const first = await start();
    const run = { number: 1, url: first.url, session: undefined, over: false, draining: false };
    await fleet.work(run, () => trouble(first, history));
    const second = await start();
    const drain = { number: 2, url: second.url, session: undefined, over: false, draining: false };
    const { working } = await fleet.drain(drain);
    history.sync();
    const final = await readFinalState(second.url, readHistory(history.path));
    const { code, signal } = await (control ? second.kill() : second.stop());
    await working;
    history.close();
    await writeFile(join(folder, 'final.json'), JSON.stringify(final));
    if (code !== 0 && !control)
      throw new Error(`the restarted server did not stop well (${code ?? signal}):\n${second.output}`);
    return { violations: check(readHistory(history.path), final), counts: history.counts };
  } finally {
    await Promise.allSettled(servers.map((server) => server.kill()));
  }
}
