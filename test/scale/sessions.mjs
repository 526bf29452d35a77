// Many sessions: what they cost in memory, how quick their lists are, and how soon they are back after a kill.
import { setTimeout as delay } from 'node:timers/promises';
import { HttpClient } from '../crash/http-client.mjs';
import { memoryOf } from './memory.mjs';

const kilobyte = 1024;
const settleMs = 3_000;
const participants = 10;
const pageSize = 1_000;

/** @param {number} index */
const sessionId = (index) => `scale_${String(index).padStart(6, '0')}`;

/** @param {import('./scenarios.mjs').Bench} bench */
export async function measureSessions({ options: { sessions }, report, startServer }) {
  report.begin(`${sessions} sessions of ${participants} participants`);
  const first = await startServer();
  const perSession = async (/** @type {number} */ pid, /** @type {number} */ before) => {
    await delay(settleMs);
    return (memoryOf(pid).anonymous - before) / sessions / kilobyte;
  };
  await delay(settleMs);
  const before = memoryOf(first.pid).anonymous;
  const started = performance.now();
  await each(first.url, sessions, async (http, index) =>
    expectStatus(await http.call('POST', '/sessions', session(index)), 201),
  );
  report.figure('created per second', (sessions * 1000) / (performance.now() - started), '/s');
  report.figure('memory per session', await perSession(first.pid, before), 'KB', { atMost: 40 });

  await measureReads(first.url, report, sessions);
  await first.kill();
  const second = await startServer([], first.dataDir);
  report.figure('ready after kill -9', second.readyMs, 'ms', { atMost: 5_000 });
  report.figure('memory per session, after the restart', await perSession(second.pid, before), 'KB', { atMost: 40 });
  const count = await countAll(new HttpClient(second.url), '/sessions');
  if (count !== sessions) throw new Error(`${count} sessions are left of ${sessions}`);

  const ended = performance.now();
  await each(second.url, sessions / 10, async (http, index) =>
    expectStatus(await http.call('POST', `/sessions/${sessionId(index)}/complete`, {}), 200),
  );
  report.figure('completed per second', (sessions * 100) / (performance.now() - ended), '/s', { atLeast: 500 });
}

/** @param {string} url @param {import('./report.mjs').Report} report @param {number} sessions */
async function measureReads(url, report, sessions) {
  const http = new HttpClient(url);
  const middle = sessionId(Math.floor(sessions / 2));
  /** @type {[string, string, number][]} */
  const reads = [
    ['first page of 100 sessions', '/sessions', 100],
    ['page of 100 from the middle', `/sessions?after=${middle}`, 100],
    ['sessions of one participant', `/sessions?participant=scale://member-${sessions / 2}-3`, 100],
    ['one session', `/sessions/${middle}`, 50],
  ];
  for (const [name, path, atMost] of reads) {
    const times = [];
    for (let round = 0; round < 5; round++) {
      const asked = performance.now();
      expectStatus(await http.call('GET', path), 200);
      times.push(performance.now() - asked);
    }
    report.figure(`${name}, slowest of five`, Math.max(...times), 'ms', { atMost });
  }
  http.close();
}

/** @param {number} index */
function session(index) {
  const members = Array.from({ length: participants - 1 }, (_, place) => `scale://member-${index}-${place}`);
  return {
    session_id: sessionId(index),
    name: `project ${index % 100}`,
    workspace_id: `team-${index % 10}`,
    orchestrator: `scale://orchestrator-${index}`,
    participants: members.map((agent_id) => ({ agent_id, role: 'implementer' })),
    workflow: [
      { name: 'design', required_agents: [`scale://orchestrator-${index}`] },
      { name: 'implementation', required_agents: members, dependencies: ['design'] },
    ],
    shared_context: { branch: `feature/${index}` },
  };
}

/** Several at a time. @param {string} url @param {number} count @param {(http: HttpClient, index: number) => Promise<void>} run */
async function each(url, count, run) {
  const http = new HttpClient(url, 32);
  let next = 0;
  const worker = async () => {
    while (next < count) await run(http, next++);
  };
  await Promise.all(Array.from({ length: 32 }, worker));
  http.close();
}

/** The items of all pages. @param {HttpClient} http @param {string} path */
async function countAll(http, path) {
  let count = 0;
  let after = '';
  do {
    const { body } = await http.call('GET', `${path}?limit=${pageSize}${after}`);
    count += body.items.length;
    after = body.next === undefined ? '' : `&after=${body.next}`;
  } while (after !== '');
  http.close();
  return count;
}

/** @param {import('../crash/http-client.mjs').Reply} reply @param {number} status */
function expectStatus(reply, status) {
  if (reply.status !== status) throw new Error(`${reply.status} and not ${status}: ${JSON.stringify(reply.body)}`);
}
