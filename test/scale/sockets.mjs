// Many connected agents: what a socket costs while it is idle, and that their mail arrives.
import { setTimeout as delay } from 'node:timers/promises';
import { processCpu } from '../bench/cpu.mjs';
import { quantile } from '../bench/statistics.mjs';
import { HttpClient } from '../crash/http-client.mjs';
import { agentId, Fleet } from './fleet.mjs';
import { memoryOf } from './memory.mjs';
import { Traffic } from './traffic.mjs';

const kilobyte = 1024;
/** So many pings a second as 10,000 sockets have at the default interval, whatever the size of the run. */
const pingsPerSecond = 10_000 / 30;
const settleMs = 3_000;
const calmSeconds = 20;

/** @param {import('./scenarios.mjs').Bench} bench */
export async function measureSockets({ options: { agents, seconds }, report, startServer }) {
  const interval = Math.round((agents / pingsPerSecond) * 1000);
  report.begin(`${agents} connected agents, a ping each ${(interval / 1000).toFixed(0)} s`);
  const flags = ['--max-connections', String(agents), '--heartbeat-interval', `${interval}ms`];
  const server = await startServer(flags);
  /** @type {Traffic} */
  let traffic;
  const fleet = new Fleet(server.url, {
    accepted: (id) => traffic.accepted(id),
    delivered: (agent, envelope) => traffic.delivered(agent, envelope),
  });
  try {
    await delay(settleMs);
    const before = memoryOf(server.pid).anonymous;
    const perSocket = () => (memoryOf(server.pid).anonymous - before) / agents / kilobyte;

    const started = performance.now();
    const handshakes = await fleet.connect(agents);
    const connectedMs = performance.now() - started;
    report.figure('connections per second', (agents / connectedMs) * 1000, '/s');
    report.figure('slowest handshake of 256 at once', Math.max(...handshakes), 'ms', { atMost: 2_000 });
    await delay(settleMs);
    report.figure('memory per socket, after connecting', perSocket(), 'KB', { atMost: 40 });

    const cpu = processCpu(server.pid) ?? Number.NaN;
    const delays = await watchAnswers(server.url, seconds);
    const busy = ((processCpu(server.pid) ?? Number.NaN) - cpu) / (seconds * 1e6);
    fleet.check();
    report.figure('CPU of idle sockets and their heartbeats', busy * 100, '% core', { atMost: 10 });
    report.figure('GET /health meanwhile, p99', quantile(delays, 0.99), 'ms', { atMost: 250 });
    report.figure('page of 100 agents, slowest of five', await slowestPage(server.url), 'ms', { atMost: 250 });
    report.figure('memory per socket, after heartbeats', perSocket(), 'KB', { atMost: 40 });

    const calm = Math.round((agents / 60) * calmSeconds);
    traffic = new Traffic('calm0', agents, calm);
    const even = await traffic.send(fleet, calm, agents / 60);
    report.figure('a message a minute each: send to arrival p50', even.p50, 'ms');
    report.figure('a message a minute each: send to arrival p99', even.p99, 'ms', { atMost: 500 });

    traffic = new Traffic('burst', agents, agents * 2);
    const burst = await traffic.send(fleet, agents * 2, Number.POSITIVE_INFINITY);
    report.figure('two messages each at once: delivered per second', (agents * 2 * 1000) / burst.tookMs, '/s');
    report.figure('two messages each at once: send to arrival p99', burst.p99, 'ms');
    await delay(settleMs);
    report.figure('memory per socket, after traffic', perSocket(), 'KB');
  } finally {
    fleet.close();
  }
}

/** From the middle of them all, in milliseconds. @param {string} url */
async function slowestPage(url) {
  const http = new HttpClient(url);
  let slowest = 0;
  for (let round = 0; round < 5; round++) {
    const asked = performance.now();
    const { status, body } = await http.call('GET', `/agents?online=true&after=${agentId(5)}`);
    if (status !== 200 || body.items.length !== 100) throw new Error(`no page of agents: ${JSON.stringify(body)}`);
    slowest = Math.max(slowest, performance.now() - asked);
  }
  http.close();
  return slowest;
}

/** How long each of ten questions a second is left without an answer, in milliseconds. @param {string} url @param {number} seconds */
async function watchAnswers(url, seconds) {
  const delays = [];
  for (const end = performance.now() + seconds * 1000; performance.now() < end; await delay(100)) {
    const asked = performance.now();
    await (await fetch(`${url}/health`)).arrayBuffer();
    delays.push(performance.now() - asked);
  }
  return delays;
}
