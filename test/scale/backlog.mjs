// Many queued messages: what they cost in memory, how soon the bus is back after a kill, how fast and in which order they leave.
import { setTimeout as delay } from 'node:timers/promises';
import { createEnvelope } from '../bench/envelopes.mjs';
import { HttpLane } from '../bench/http-lane.mjs';
import { Receiver } from '../bench/receiver.mjs';
import { apiKey, HttpClient } from '../crash/http-client.mjs';
import { memoryOf, watchMemory } from './memory.mjs';

const megabyte = 2 ** 20;
const batch = 100;
const lanes = 10;
const settleMs = 3_000;
const stallMs = 30_000;
/** Part of every message id. */
export const run = 'scale';
const sender = 'scale://sender';

/** @param {number} index */
export const mailboxId = (index) => `scale://mailbox-${index}`;

/** @param {import('./scenarios.mjs').Bench} bench @param {number} mailboxes A multiple of `batch`, or one. */
export async function measureBacklog({ options: { messages }, report, startServer }, mailboxes) {
  report.begin(
    `${messages} queued messages of 700 bytes in ${mailboxes === 1 ? 'one mailbox' : `${mailboxes} mailboxes`}`,
  );
  const envelopes = Array.from({ length: mailboxes }, (_, index) => envelopeTo(mailboxId(index)));
  const flags = ['--ack-timeout', '30s', '--max-connections', String(mailboxes)];
  const first = await startServer(flags);
  await register(
    first.url,
    Array.from({ length: mailboxes }, (_, index) => mailboxId(index)),
  );

  const { peak: filling, result: filled } = await watchMemory(first.pid, () => fill(first, envelopes, messages));
  report.figure('accepted per second, in batches of 100', filled.perSecond, '/s');
  report.figure('own memory while they come in, peak', filling.anonymous / megabyte, 'MB');
  await delay(settleMs);
  // What comes in for many mailboxes touches more of the tables: more of them is on its way at once.
  reportMemory(report, 'queued', first.pid, mailboxes === 1 ? 250 : 275);
  await assertQueued(first.url, mailboxes, messages);

  await first.kill();
  const second = await startServer(flags, first.dataDir);
  report.figure('ready after kill -9', second.readyMs, 'ms', { atMost: 2_000 });
  await assertQueued(second.url, mailboxes, messages);
  await delay(settleMs);
  reportMemory(report, 'queued, after the restart', second.pid, 250);

  const { peak: draining, result: drained } = await watchMemory(second.pid, () =>
    drain(second, envelopes, filled.laneOf, messages),
  );
  report.figure('first message after connecting', drained.firstMs, 'ms', { atMost: 3_000 });
  report.figure('delivered in order and acked per second', drained.perSecond, '/s', { atLeast: 5_000 });
  report.figure('own memory while they leave, peak', draining.anonymous / megabyte, 'MB');
  await assertQueued(second.url, mailboxes, 0);
}

/** @param {import('./report.mjs').Report} report @param {string} when @param {number} pid @param {number} atMost Megabytes. */
function reportMemory(report, when, pid, atMost) {
  const { anonymous, mapped } = memoryOf(pid);
  report.figure(`own memory, ${when} (RssAnon)`, anonymous / megabyte, 'MB', { atMost });
  report.figure(`mapped pages of the store, ${when} (RssFile)`, mapped / megabyte, 'MB');
}

/** @param {string} recipient */
export function envelopeTo(recipient) {
  const envelope = createEnvelope({ run, sender, recipient, timestamp: new Date().toISOString() });
  // As long as the usual one, and longer than the run.
  return { ...envelope, routing: { ...envelope.routing, timeout: '999m' } };
}

/** @param {string} url @param {string[]} ids */
export async function register(url, ids) {
  const http = new HttpClient(url, 8);
  await Promise.all(
    ids.map((agent_id) => http.call('POST', '/agents/register', { agent_descriptor: { agent_id, capabilities: [] } })),
  );
  http.close();
}

/**
 * Mailboxes are served by one lane each, where there are many; what is sent over one lane is in one order.
 * @param {{ url: string, pid: number }} server @param {{ message_id: string }[]} envelopes @param {number} messages
 */
export async function fill(server, envelopes, messages) {
  const started = performance.now();
  /** The lane of each batch. */
  const laneOf = new Uint8Array(messages / batch);
  /** Batches that each lane has still to send, as many as any other. */
  const left = new Array(lanes).fill(messages / batch / lanes);
  let sent = 0;
  let accepted = 0;
  await new Promise((resolve, reject) => {
    const target = { ...server, key: apiKey, core: undefined, acks: true };
    const events = {
      failed: reject,
      accepted: () => {
        if (++accepted === messages) resolve(undefined);
        else if (accepted % batch === 0) setImmediate(pump);
      },
    };
    const all = Array.from({ length: lanes }, (_, lane) => {
      const body = Array.from({ length: batch }, (_, place) => envelopes[(lane * batch + place) % envelopes.length]);
      return new HttpLane({ target, run, envelopes: body, events });
    });
    const pump = () => {
      for (const [index, lane] of all.entries()) {
        if (lane.room === 0 || left[index] === 0) continue;
        left[index]--;
        laneOf[sent / batch] = index;
        lane.send(batch, () => sent++);
      }
      if (accepted === messages) for (const lane of all) lane.close();
    };
    Promise.all(all.map((lane) => lane.ready())).then(pump, reject);
  });
  return { perSecond: (messages * 1000) / (performance.now() - started), laneOf };
}

/**
 * @param {{ url: string, pid: number }} server @param {{ message_id: string }[]} envelopes
 * @param {Uint8Array} laneOf @param {number} messages
 */
export async function drain(server, envelopes, laneOf, messages) {
  const target = { ...server, key: apiKey, core: undefined, acks: true };
  const seen = new Uint8Array(messages);
  let delivered = 0;
  let firstMs = 0;
  /** @type {Error | undefined} */
  let failure;
  const started = performance.now();
  const receivers = envelopes.map((envelope, index) => {
    const newest = new Int32Array(lanes).fill(-1);
    const events = {
      failed: (/** @type {Error} */ error) => {
        failure ??= error;
      },
      acked: () => undefined,
      delivered: (/** @type {number} */ counter) => {
        const lane = laneOf[Math.floor(counter / batch)] ?? 0;
        if (seen[counter] === 1) throw new Error(`message ${counter} came twice`);
        if (counter < (newest[lane] ?? 0)) throw new Error(`message ${counter} came after ${newest[lane]}`);
        seen[counter] = 1;
        newest[lane] = counter;
        if (delivered++ === 0) firstMs = performance.now() - started;
      },
    };
    return new Receiver({ target, run, agentId: mailboxId(index), envelope, events });
  });
  try {
    await Promise.all(receivers.map((receiver) => receiver.ready()));
    await untilDone(messages, () => {
      if (failure) throw failure;
      return delivered;
    });
    return { firstMs, perSecond: (messages * 1000) / (performance.now() - started) };
  } finally {
    // Acks of the last turn leave at its end.
    await delay(20);
    for (const receiver of receivers) receiver.close();
  }
}

/** @param {number} messages @param {() => number} count @throws Error when nothing happens for too long. */
async function untilDone(messages, count) {
  let before = 0;
  for (let since = performance.now(); count() < messages; await delay(5)) {
    if (count() > before) since = performance.now();
    if (performance.now() - since > stallMs) throw new Error(`stalled at ${count()} of ${messages} messages`);
    before = count();
  }
}

/** @param {string} url @param {number} mailboxes @param {number} messages @throws Error where a mailbox counts otherwise. */
async function assertQueued(url, mailboxes, messages) {
  const http = new HttpClient(url, 8);
  const expected = messages / mailboxes;
  for (let index = 0; index < mailboxes; index++) {
    for (const deadline = performance.now() + 5_000; ; await delay(10)) {
      const { agent } = (await http.call('GET', `/agents/${encodeURIComponent(mailboxId(index))}`)).body;
      if (agent.queued === expected && agent.in_flight === 0) break;
      if (performance.now() > deadline) throw new Error(`not ${expected} messages: ${JSON.stringify(agent)}`);
    }
  }
  http.close();
}
