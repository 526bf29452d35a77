// Cycles of load and crash on one data directory, then a drain and the check of the whole history.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { check } from './checker.mjs';
import { encryptionFlags } from './encryption.mjs';
import { readFinalState } from './final-state.mjs';
import { Fleet } from './fleet.mjs';
import { History, readHistory } from './history.mjs';
import { createRandom } from './random.mjs';
import { ServerUnderTest } from './server-under-test.mjs';
import { summarize } from './summary.mjs';

/**
 * The machine under the server. `crash` ends the server at once, whatever that means there.
 * @typedef {object} Ground
 * @property {string} dataDir
 * @property {(server: ServerUnderTest) => Promise<void>} crash
 */

/**
 * @typedef {object} CycleOptions
 * @property {string} main The command to run.
 * @property {string} folder For the history; made where it is missing.
 * @property {number} cycles
 * @property {number} seed
 * @property {Ground} ground
 * @property {boolean} [encrypted] Whether the store is, under another key at each start.
 * @property {boolean} [control] Whether a fault is built in.
 */

const shortestLifeMs = 200;
const longestLifeMs = 2_000;

/** @param {CycleOptions} options */
export async function runCycles({ main, folder, cycles, seed, ground, encrypted = false, control = false }) {
  const random = createRandom(seed);
  await mkdir(folder, { recursive: true });
  const history = new History(join(folder, 'history.jsonl'));
  const fleet = new Fleet(history, random.fork());
  /** @type {number[]} */
  const restarts = [];
  /** @type {ServerUnderTest[]} */
  const servers = [];
  const start = async () => {
    const server = new ServerUnderTest({
      main,
      dataDir: ground.dataDir,
      flags: encryptionFlags(encrypted, servers.length),
    });
    servers.push(server);
    await server.ready();
    history.record({ kind: 'start' });
    restarts.push(server.readyMs);
    return server;
  };
  try {
    for (let number = 1; number <= cycles; number++) {
      const lifeMs = random.between(shortestLifeMs, longestLifeMs);
      const server = await start();
      const run = { number, url: server.url, session: undefined, over: false, draining: false };
      await fleet.work(run, async () => {
        await delay(lifeMs);
        await ground.crash(server);
        history.record({ kind: 'crash' });
      });
      history.sync();
    }
    const server = await start();
    const run = { number: cycles + 1, url: server.url, session: undefined, over: false, draining: false };
    const { working } = await fleet.drain(run);
    history.sync();
    const final = await readFinalState(server.url, readHistory(history.path));
    // A server with a built-in fault need not stop well.
    const { code, signal } = await (control ? server.kill() : server.stop());
    await working;
    if (!control) history.record({ kind: 'exit', code, signal });
    history.close();
    await writeFile(join(folder, 'final.json'), JSON.stringify(final));
    if (code !== 0 && !control)
      throw new Error(`the server did not stop after the drain (${code ?? signal}):\n${server.output}`);
    const events = readHistory(history.path);
    return { violations: check(events, final), summary: summarize(events), restarts };
  } finally {
    await Promise.allSettled(servers.map((server) => server.kill()));
  }
}
