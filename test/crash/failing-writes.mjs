// Writes and flushes of the store that fail under load, sampled over the calls, the errors and the moments.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { HttpClient } from './http-client.mjs';
import { inject } from './strace.mjs';
import { runTrial } from './trial.mjs';

const journalFolder = 'journal';

/** The journal is written with every commit, the tables now and then; the folder of the journal is flushed when a file begins. */
const places = [
  { file: 'journal/00000001.log', call: 'pwrite64', latest: 60 },
  { file: 'bus.mdb', call: 'fdatasync', latest: 6 },
  { file: 'bus.mdb', call: 'pwrite64', latest: 6 },
  { file: journalFolder, call: 'fsync', latest: 1 },
];
const errors = ['EIO', 'ENOSPC'];
/** So many trials have every place, every error, and both kinds of stickiness. */
export const allFaults = places.length * errors.length * 2;
const bulkBytes = 1_000_000;
const hoarder = 'load://hoarder';
/** How long the fault may take to come, and the server to end after it. */
const patienceMs = 20_000;

/** @typedef {import('./strace.mjs').Fault} Fault */

/** Every place, error and stickiness in turn. @param {import('./random.mjs').Random} random @param {number} count @returns {Fault[]} */
export function sampleFaults(random, count) {
  return Array.from({ length: count }, (_, index) => {
    const { file, call, latest } = places[index % places.length] ?? places[0];
    return {
      file,
      call,
      error: errors[Math.floor(index / places.length) % errors.length] ?? '',
      sticky: Math.floor(index / places.length / errors.length) % 2 === 1,
      when: random.between(1, latest),
    };
  });
}

/** @param {{ main: string, folder: string, seed: number, encrypted: boolean, fault: Fault, control?: boolean }} options */
export async function failWrites({ main, folder, seed, encrypted, fault, control = false }) {
  /** @type {string[]} */
  const faults = [];
  let seen = '';
  const dataDir = join(folder, 'data');
  await mkdir(folder, { recursive: true });
  const { violations } = await runTrial({
    ...{ main, folder, dataDir, seed, encrypted, control },
    trouble: async (server, history) => {
      const path = join(dataDir, fault.file);
      const strace = await inject({ pid: server.pid, path, log: join(folder, 'strace.log'), fault });
      const bulk = fault.file === journalFolder ? sendBulk(server) : undefined;
      const { code, signal } = await server.ended(patienceMs);
      await bulk;
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

/** Fills file after file of the journal with mail that nobody comes for, until the server is gone. @param {import('./server-under-test.mjs').ServerUnderTest} server */
async function sendBulk({ url }) {
  const client = new HttpClient(url);
  const message = {
    ...{ sender: { agent_id: hoarder }, recipient: { agent_id: hoarder }, message_type: 'status_update' },
    payload: 'x'.repeat(bulkBytes),
  };
  try {
    await client.call('POST', '/agents/register', { agent_descriptor: { agent_id: hoarder, capabilities: [] } });
    while ((await client.call('POST', '/messages/send', message)).status === 202);
  } catch {
    // It is gone.
  } finally {
    client.close();
  }
}
