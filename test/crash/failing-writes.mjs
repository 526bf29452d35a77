// Writes and flushes of the store that fail under load, sampled over the calls, the errors and the moments.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from './strace.mjs';
import { runTrial } from './trial.mjs';

const calls = ['fdatasync', 'pwrite64', 'writev'];
const errors = ['EIO', 'ENOSPC'];
const latest = 60;
/** How long the fault may take to come, and the server to end after it. */
const patienceMs = 20_000;

/** @typedef {import('./strace.mjs').Fault} Fault */

/** Every call, error and stickiness in turn. @param {import('./random.mjs').Random} random @param {number} count @returns {Fault[]} */
export function sampleFaults(random, count) {
  return Array.from({ length: count }, (_, index) => ({
    call: calls[index % 3] ?? '',
    error: errors[Math.floor(index / 3) % 2] ?? '',
    sticky: Math.floor(index / 6) % 2 === 1,
    when: random.between(1, latest),
  }));
}

/** @param {{ main: string, folder: string, seed: number, fault: Fault, control?: boolean }} options */
export async function failWrites({ main, folder, seed, fault, control = false }) {
  /** @type {string[]} */
  const faults = [];
  let seen = '';
  const dataDir = join(folder, 'data');
  await mkdir(folder, { recursive: true });
  const { violations } = await runTrial({
    ...{ main, folder, dataDir, seed, control },
    trouble: async (server, history) => {
      const path = join(dataDir, 'bus.mdb');
      const strace = await inject({ pid: server.pid, path, log: join(folder, 'strace.log'), fault });
      const { code, signal } = await server.ended(patienceMs);
      await strace.stop();
      const at = strace.firstFailure();
      if (at === undefined) faults.push('the fault never came');
      else history.record({ kind: 'fault', name: fault.call, t: at });
      history.record({ kind: 'exit', code, signal });
      const refused = history.counts.refused('STORE_FAILED');
      seen = `ended with ${code ?? signal}, ${refused} refused with STORE_FAILED`;
      // LMDB may corrupt its heap over a failed write; an abort is an end as failed, too.
      if (code === 0 || signal === 'SIGKILL') faults.push(`it must end by itself, and as failed: ${server.output}`);
    },
  });
  return { faults, seen, violations };
}
