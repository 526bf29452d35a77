// All slow clients at once; each must be ended in its time, and told why where it can be told.
import { setTimeout as delay } from 'node:timers/promises';
import { faultOfReply } from './documented.mjs';
import { readReply } from './raw-http.mjs';
import { idleCase, slowCases } from './slow-cases.mjs';
import { runSlowHttpTest } from './slowhttptest.mjs';

/** @typedef {import('./target.mjs').Target} Target */
/** @typedef {import('./slow-cases.mjs').SlowCase} SlowCase */

/** For what lies in the kernel, and the end behind it. */
const readMs = 2_000;
const openEveryMs = 20;

/** @param {Target} target */
export async function runSlow(target) {
  const cases = slowCases.filter((_, index) => target.onlyCase === undefined || target.onlyCase === index);
  const running = cases.map((one) => runCase(target, one, slowCases.indexOf(one)));
  if (target.onlyCase === undefined) {
    running.push(runSlowHttpTest(target));
    if (!target.quick && target.store === 'memory') running.push(runCase(target, idleCase, slowCases.length));
  }
  await Promise.all(running);
}

/** @param {Target} target @param {SlowCase} one @param {number} index */
async function runCase(target, one, index) {
  const { name, connections, withinMs, notBeforeMs = 0, open } = one;
  const all = await Promise.all(
    Array.from({ length: connections }, async (_, number) => {
      // Slowness is tried here, not a flood of connections.
      await delay(number * openEveryMs);
      return open(target, index * 1_000 + number);
    }),
  );
  const until = performance.now() + withinMs;
  while (performance.now() < until && all.some((connection) => !connection.ended)) await delay(100);
  // Who does not read does not see the end either.
  for (const connection of all) connection.read();
  while (performance.now() < until + readMs && all.some((connection) => !connection.ended)) await delay(100);
  const faults = all.map((connection) => faultOf(connection, one)).filter((fault) => fault !== undefined);
  for (const connection of all) {
    connection.close();
    target.tried();
  }
  if (faults.length > 0) {
    const where = index < slowCases.length ? `--case ${index}` : undefined;
    target.violation(
      `${name}: ${faults[0]} (${faults.length} of ${connections}; ${notBeforeMs} to ${withinMs} ms)`,
      where,
    );
  }
}

/** @param {import('./raw-connection.mjs').RawConnection} connection @param {SlowCase} one */
function faultOf(connection, { withinMs, notBeforeMs = 0, status }) {
  if (connection.endedAt === undefined) return `still open after ${withinMs} ms`;
  const lasted = connection.endedAt - connection.openedAt;
  if (lasted < notBeforeMs) return `ended after ${lasted.toFixed(0)} ms already`;
  if (status === undefined) return undefined;
  const reply = readReply(connection.unread, { ended: true });
  if (reply?.status !== status) return `answered with ${reply?.status}, not with ${status}`;
  return faultOfReply(reply, { sent: Buffer.alloc(0) });
}
