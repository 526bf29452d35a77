// One round: connect, send for a while, measure a window of it, stop, wait until all has arrived, compare the counts.
import { setTimeout as delay } from 'node:timers/promises';
import { coreCpu, processCpu } from './cpu.mjs';
import { Ledger } from './ledger.mjs';
import { connectTraffic } from './traffic.mjs';

/**
 * @typedef {object} Target
 * @property {string} url
 * @property {string} key
 * @property {number} pid
 * @property {number | undefined} core The server's, where it is pinned.
 * @property {keyof typeof import('./protocols.mjs').protocols} protocol Of its sockets.
 * @property {boolean} acks Whether it says what it accepted and wants acks.
 */

/**
 * @typedef {object} Order
 * @property {Target} target
 * @property {import('./scenarios.mjs').Scenario} scenario
 * @property {string} run Part of every message id; of one length.
 * @property {number} rampSeconds Before the window.
 * @property {number} seconds The window.
 * @property {number} [rate] Messages per second; as many as go where left out.
 */

/** @typedef {Awaited<ReturnType<typeof runRound>>} RoundResult */

const drainMs = 10_000;
const messagesPerSecondAtMost = 300_000;

/** @param {Order} order @throws Error for a message lost, repeated, changed or refused. */
export async function runRound(order) {
  const { target, scenario, seconds, rampSeconds } = order;
  const perSecond = Math.min(messagesPerSecondAtMost, (order.rate ?? Number.POSITIVE_INFINITY) * 2);
  const ledger = new Ledger(
    Math.ceil((seconds + rampSeconds + 1) * perSecond),
    target.acks || scenario.door === 'http',
  );
  const traffic = connectTraffic(order, ledger);
  try {
    await traffic.ready;
    const first = snapshot(target, ledger);
    traffic.start();
    await traffic.unlessFailed(delay(rampSeconds * 1000));
    const opened = snapshot(target, ledger);
    ledger.sample(true);
    await traffic.unlessFailed(delay(seconds * 1000));
    const closed = snapshot(target, ledger);
    ledger.sample(false);
    traffic.stop();
    if (ledger.room < scenario.batch) throw new Error('more messages than the record of the round can hold');
    await traffic.unlessFailed(untilSettled(ledger));
    ledger.assertExact(target.acks);
    await traffic.unlessFailed(traffic.finish());
    const last = snapshot(target, ledger);
    return {
      ...measure(opened, closed),
      messages: ledger.sent,
      cpuPerMessageUs: share(last.server, first.server, ledger.sent),
      latencyMs: ledger.latency(),
    };
  } finally {
    traffic.close();
  }
}

/** @typedef {ReturnType<typeof snapshot>} Snapshot */

/** @param {Target} target @param {Ledger} ledger */
function snapshot(target, ledger) {
  const load = process.cpuUsage();
  return {
    at: performance.now(),
    settled: ledger.settled,
    load: load.user + load.system,
    server: processCpu(target.pid),
    core: target.core === undefined ? undefined : coreCpu(target.core),
  };
}

/** @param {Snapshot} opened @param {Snapshot} closed */
function measure(opened, closed) {
  const elapsedUs = (closed.at - opened.at) * 1000;
  const server = share(closed.server, opened.server, elapsedUs);
  const core = share(closed.core, opened.core, elapsedUs);
  return {
    perSecond: ((closed.settled - opened.settled) / elapsedUs) * 1e6,
    loadBusy: (closed.load - opened.load) / elapsedUs,
    serverBusy: server,
    /** What others took of the server's core. */
    disturbed: core === undefined || server === undefined ? undefined : Math.max(0, core - server),
  };
}

/** @param {number | undefined} end @param {number | undefined} start @param {number} whole */
function share(end, start, whole) {
  return end === undefined || start === undefined ? undefined : (end - start) / whole;
}

/** @param {Ledger} ledger */
async function untilSettled(ledger) {
  for (const deadline = performance.now() + drainMs; ledger.outstanding > 0; await delay(5)) {
    if (performance.now() > deadline) break;
  }
  // Acks of the last turn leave at its end.
  await delay(5);
}
