// Many waiting long polls: what they cost while nothing comes, and that each gets its message.
import { setTimeout as delay } from 'node:timers/promises';
import { processCpu } from '../bench/cpu.mjs';
import { quantile } from '../bench/statistics.mjs';
import { HttpClient } from '../crash/http-client.mjs';
import { memoryOf } from './memory.mjs';

const kilobyte = 1024;
const settleMs = 3_000;
const watchedMs = 5_000;
const senders = 16;

/** @param {number} index */
const agentId = (index) => `scale://puller-${index}`;

/** @param {import('./scenarios.mjs').Bench} bench */
export async function measurePulls({ options: { pulls }, report, startServer }) {
  report.begin(`${pulls} waiting long polls`);
  const server = await startServer();
  const pullers = new HttpClient(server.url, pulls);
  const sender = new HttpClient(server.url, senders);
  const every = Array.from({ length: pulls }, (_, index) => index);
  try {
    await Promise.all(every.map((index) => register(sender, index)));
    await delay(settleMs);
    const before = memoryOf(server.pid).anonymous;
    /** @type {number[]} */
    const arrivedAt = [];
    const taken = every.map(async (index) => {
      const id = await pullOne(pullers, index);
      arrivedAt[index] = performance.now();
      if (id !== `pull-${index}`) throw new Error(`${agentId(index)} pulled ${id}`);
    });
    await delay(settleMs);
    report.figure('memory per waiting poll', (memoryOf(server.pid).anonymous - before) / pulls / kilobyte, 'KB', {
      atMost: 40,
    });
    const cpu = processCpu(server.pid) ?? Number.NaN;
    await delay(watchedMs);
    const busy = ((processCpu(server.pid) ?? Number.NaN) - cpu) / (watchedMs * 1000);
    report.figure('CPU while they wait', busy * 100, '% core', { atMost: 5 });

    /** @type {number[]} */
    const sentAt = [];
    let next = 0;
    const worker = async () => {
      while (next < pulls) {
        const index = next++;
        sentAt[index] = performance.now();
        await send(sender, index);
      }
    };
    await Promise.all(Array.from({ length: senders }, worker));
    await Promise.all(taken);
    const latencies = every.map((index) => (arrivedAt[index] ?? Number.NaN) - (sentAt[index] ?? Number.NaN));
    report.figure('a message to each, 16 at a time: send to arrival p99', quantile(latencies, 0.99), 'ms', {
      atMost: 500,
    });
  } finally {
    pullers.close();
    sender.close();
  }
}

/** @param {HttpClient} http @param {number} index */
async function register(http, index) {
  const agent_descriptor = { agent_id: agentId(index), capabilities: [] };
  const { status } = await http.call('POST', '/agents/register', { agent_descriptor });
  if (status !== 201) throw new Error(`${agentId(index)} could not register: ${status}`);
}

/** Waits, over as many requests as that takes. @param {HttpClient} http @param {number} index */
async function pullOne(http, index) {
  for (;;) {
    const { status, body } = await http.call('GET', `/agents/${encodeURIComponent(agentId(index))}/messages?wait=18s`);
    if (status !== 200) throw new Error(`${agentId(index)} may not wait: ${JSON.stringify(body)}`);
    const [item] = body.items;
    if (item) return item.message_id;
  }
}

/** @param {HttpClient} http @param {number} index */
async function send(http, index) {
  const { status, body } = await http.call('POST', '/messages/send', {
    message_id: `pull-${index}`,
    sender: { agent_id: 'scale://sender' },
    recipient: { agent_id: agentId(index) },
    message_type: 'task_request',
  });
  if (status !== 202) throw new Error(`not accepted: ${JSON.stringify(body)}`);
}
