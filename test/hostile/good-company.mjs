// The process of the good clients, as the suite holds it, and what is expected of its figures.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { quantile } from '../bench/statistics.mjs';
import { slowness } from '../support/pace.mjs';
import { apiKey } from './server-process.mjs';

/** A p99 below this is the noise of a shared machine and counts as this, in milliseconds; more where the machine is slow. */
const floorMs = 25;

/** @typedef {{ sent: number, lost: string[], unconfirmed: string[], faults: string[], latencies: Record<string, number[]> }} GoodResult */

/** @param {{ port: number }} server */
export async function startGoodClients({ port }) {
  const script = fileURLToPath(new URL('good-clients.mjs', import.meta.url));
  const child = fork(script, [JSON.stringify({ port, apiKey })], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const gone = once(child, 'exit').then(() => [{ ready: false, reason: 'the good clients ended' }]);
  const [first] = await Promise.race([once(child, 'message'), gone]);
  if (!first.ready) {
    child.kill();
    throw new Error(first.reason);
  }
  return {
    /** What is sent from now on is counted under this name. @param {string} name */
    phase: (name) => void child.send({ phase: name }),
    /** Ends them when everything that was sent has arrived, or can not. @returns {Promise<GoodResult>} */
    async finish() {
      child.send({});
      const [result] = await Promise.race([once(child, 'message'), gone]);
      if (result.latencies === undefined) throw new Error(result.reason);
      await once(child, 'exit');
      return result;
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

/** @param {GoodResult} result @returns {{ violations: string[], summary: string }} */
export function judgeGoodClients({ sent, lost, unconfirmed, faults, latencies }) {
  const { start, quiet = [], ...attacks } = latencies;
  const before = p99(quiet);
  const during = p99(Object.values(attacks).flat());
  const allowed = 2 * Math.max(before, floorMs * slowness());
  const violations = [...faults];
  if (lost.length > 0) violations.push(`${lost.length} messages of good clients never arrived: ${lost.slice(0, 3)}`);
  if (unconfirmed.length > 0)
    violations.push(`${unconfirmed.length} messages were never confirmed: ${unconfirmed.slice(0, 3)}`);
  if (during > allowed) {
    violations.push(
      `p99 of good clients ${during.toFixed(1)} ms under attack, ${before.toFixed(1)} ms without; allowed ${allowed.toFixed(1)} ms`,
    );
  }
  const each = Object.entries(attacks).map(([group, values]) => `${group} ${p99(values).toFixed(1)}`);
  const summary =
    `good clients: ${sent} messages sent, ${lost.length} lost, p99 ${before.toFixed(1)} ms without an attack, ` +
    `${during.toFixed(1)} ms under it (${each.join(', ')}; allowed ${allowed.toFixed(1)} ms)`;
  return { violations, summary };
}

/** @param {number[]} values */
function p99(values) {
  return values.length > 0 ? quantile(values, 0.99) : 0;
}
