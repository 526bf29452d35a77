// One server under attack, with good clients beside it; everything that was wrong meanwhile.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { judgeGoodClients, startGoodClients } from './good-company.mjs';
import { startServer } from './server-process.mjs';
import { judgeServer } from './watch.mjs';

/** @typedef {{ group: string, text: string, where?: string }} Violation */

/**
 * @typedef {object} SiegeOptions
 * @property {string} store @property {string[]} groups @property {number} seed @property {boolean} quick
 * @property {number | undefined} onlyCase @property {readonly string[]} flags @property {string} [fault]
 * @property {boolean} good Whether good clients work meanwhile.
 * @property {import('./watch.mjs').Limits} limits
 */

/** Long enough for a p99. */
const quietMs = 10_000;
/** What the bus forgets, it has forgotten by then. */
const settleMs = 5_000;

/** @param {SiegeOptions} options @param {(line: string) => void} say @returns {Promise<{ inputs: number, violations: Violation[] }>} */
export async function runSiege({ store, flags, fault, quick, good, limits, ...order }, say) {
  const server = await startServer({ store, flags, fault });
  /** @type {Violation[]} */
  const violations = [];
  const add = (/** @type {string} */ group, /** @type {string[]} */ texts) =>
    violations.push(...texts.map((text) => ({ group, text })));
  const company = good ? await startGoodClients(server) : undefined;
  try {
    company?.phase('quiet');
    if (company) await delay(quick ? quietMs / 2 : quietMs);
    const liveBefore = await server.liveMemory();
    const quietUntil = performance.now();
    const begins = (/** @type {string} */ group) => company?.phase(group);
    const { inputs, groups } = await attack(server, { store, quick, ...order }, { violations, say, begins });
    // What other programs do to the figures is seen before and after.
    company?.phase('quiet');
    await delay(good ? settleMs : 500);
    const live = { before: liveBefore, after: await server.liveMemory() };
    const verdict = judgeServer(server, limits, { live, quietUntil, groups });
    add('server', verdict.violations);
    say(verdict.summary);
    if (company) {
      const clients = judgeGoodClients(await company.finish());
      add('good clients', clients.violations);
      say(clients.summary);
    }
    const wasRunning = !server.exit();
    await server.stop();
    if (wasRunning && server.exit() !== 'ended with 0')
      add('server', [`the server ${server.exit()} when it was stopped`]);
    return { inputs, violations };
  } finally {
    company?.kill();
    await server.stop();
  }
}

/**
 * Runs the groups in a process of their own, which gets less of the processor than those that are measured.
 * @param {import('./server-process.mjs').Server} server @param {object} order
 * @param {{ violations: Violation[], say: (line: string) => void, begins: (group: string) => void }} sink
 */
async function attack(server, order, { violations, say, begins }) {
  const script = fileURLToPath(new URL('attacker.mjs', import.meta.url));
  const child = fork(script, [JSON.stringify({ ...order, port: server.port })], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  setPriority(child.pid ?? 0, 10);
  let inputs = 0;
  let isDone = false;
  /** @type {{ name: string, from: number }[]} */
  const groups = [];
  child.on('message', (/** @type {any} */ { violation, begun, group, done }) => {
    if (begun) {
      groups.push({ name: begun, from: performance.now() });
      begins(begun);
    }
    if (violation) violations.push(violation);
    if (done) isDone = true;
    if (group) {
      inputs += group.inputs;
      say(`${group.name}: ${group.inputs} inputs in ${(group.ms / 1000).toFixed(0)} s`);
    }
  });
  const gone = once(child, 'exit');
  // Attacks on a server that is gone say nothing more.
  const watch = setInterval(() => {
    if (server.exit()) child.kill('SIGKILL');
  }, 200);
  await gone;
  clearInterval(watch);
  if (!isDone && !server.exit()) violations.push({ group: 'attacker', text: 'the attacking process broke off' });
  return { inputs, groups };
}
