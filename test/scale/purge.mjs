// The purge of many settled messages beside a trickle of sends, which must not notice it.
import { setTimeout as delay } from 'node:timers/promises';
import { idOf } from '../bench/envelopes.mjs';
import { quantile } from '../bench/statistics.mjs';
import { HttpClient } from '../crash/http-client.mjs';
import { drain, envelopeTo, fill, mailboxId, register, run } from './backlog.mjs';

const quietMs = 5_000;
/** Between two sends of the trickle. */
const paceMs = 5;
const lookMs = 20;
const patienceMs = 120_000;
/** How much later a send may be answered during the purge. */
const slowerMs = 50;
/** Shorter than the quiet time: at the next start everything that was settled before it is due at once. */
const shortRetention = ['--retention', '2s', '--dedupe-window', '2s'];
const hoarder = 'scale://hoarder';

/** @param {import('./scenarios.mjs').Bench} bench */
export async function measurePurge({ options: { settled }, report, startServer }) {
  report.begin(`the purge of ${settled} settled messages`);
  const first = await startServer();
  await register(first.url, [mailboxId(0), hoarder]);
  const envelopes = [envelopeTo(mailboxId(0))];
  const { laneOf } = await fill(first, envelopes, settled);
  await drain(first, envelopes, laneOf, settled);
  const quiet = await measureTrickle(first.url, () => delay(quietMs));
  await first.stop();

  const { url } = await startServer(shortRetention, first.dataDir);
  const http = new HttpClient(url);
  const untilGone = async (/** @type {number} */ counter) => {
    const deadline = performance.now() + patienceMs;
    while ((await http.call('GET', `/messages/${idOf(run, counter)}`)).status !== 404) {
      if (performance.now() > deadline) throw new Error(`message ${counter} was not purged within ${patienceMs} ms`);
      await delay(lookMs);
    }
  };
  let purgedMs = 0;
  const purging = await measureTrickle(url, async (/** @type {() => void} */ beginAnew) => {
    await untilGone(0);
    beginAnew();
    const began = performance.now();
    // What was settled last may wait for company on its way to the tables.
    await untilGone(Math.floor(settled * 0.98));
    purgedMs = performance.now() - began;
  });
  http.close();
  report.figure('from the first that is gone to the last', purgedMs, 'ms');
  report.figure('a send every 5 ms without it, until its receipt: p99', quiet, 'ms');
  report.figure('the same beside it: p99', purging, 'ms', { atMost: quiet + slowerMs });
}

/**
 * Sends at an even pace, whether the sends before were answered or not.
 * @param {string} url @param {(beginAnew: () => void) => Promise<unknown>} meanwhile Until it resolves; `beginAnew` forgets what was measured.
 * @returns the p99 in milliseconds
 */
async function measureTrickle(url, meanwhile) {
  const http = new HttpClient(url, 16);
  /** @type {number[]} */
  let latencies = [];
  /** @type {Promise<void>[]} */
  const sending = [];
  const send = async () => {
    const began = performance.now();
    const { status, body } = await http.call('POST', '/messages/send', {
      sender: { agent_id: hoarder },
      recipient: { agent_id: hoarder },
      message_type: 'status_update',
    });
    if (status !== 202) throw new Error(`not accepted: ${JSON.stringify(body)}`);
    latencies.push(performance.now() - began);
  };
  let over = false;
  const trickling = (async () => {
    for (const began = performance.now(); !over; await delay(1)) {
      while (!over && sending.length * paceMs < performance.now() - began) sending.push(send());
    }
    await Promise.all(sending);
  })();
  const watching = meanwhile(() => {
    latencies = [];
  }).finally(() => {
    over = true;
  });
  await Promise.all([watching, trickling]);
  http.close();
  return quantile(latencies, 0.99);
}
