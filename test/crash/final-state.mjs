// What the server says after the drain, asked over HTTP: the ledger of every id that was ever sent, and the sessions.
import { fingerprintOf } from './envelopes.mjs';
import { HttpClient } from './http-client.mjs';

const sockets = 16;
const pageSize = 1000;

/** @param {string} url @param {readonly import('./history.mjs').HistoryEvent[]} history */
export async function readFinalState(url, history) {
  const client = new HttpClient(url, sockets);
  const ids = new Set(history.flatMap((event) => (event.kind === 'send' ? [event.id] : [])));
  const sessionIds = history.flatMap((event) => (event.kind === 'session' ? [event.id] : []));
  /** @type {import('./checker.mjs').Final} */
  const final = { messages: {}, sessions: {} };
  try {
    const todo = [...ids];
    const readNext = async () => {
      for (let id = todo.pop(); id !== undefined; id = todo.pop()) final.messages[id] = await readMessage(client, id);
    };
    await Promise.all(Array.from({ length: sockets }, readNext));
    for (const id of sessionIds) final.sessions[id] = await readSession(client, id);
  } finally {
    client.close();
  }
  return final;
}

/** @param {HttpClient} client @param {string} id */
async function readMessage(client, id) {
  const { status, body } = await client.call('GET', `/messages/${encodeURIComponent(id)}`);
  if (status === 404) return null;
  if (status !== 200) throw new Error(`GET /messages/${id} answered ${status}: ${body.error}`);
  const { message } = body;
  return {
    status: message.status,
    recipient: message.recipient_agent_id,
    // Damaged on disk, as a fault that is built in may leave it.
    hash: message.envelope === null ? 'unreadable' : fingerprintOf(message.envelope),
    reason: message.reason,
  };
}

/** @param {HttpClient} client @param {string} id */
async function readSession(client, id) {
  const tasks = await readPages(client, `/sessions/${id}/tasks`);
  const events = await readPages(client, `/sessions/${id}/events`);
  return tasks && events && { tasks, events };
}

/** @param {HttpClient} client @param {string} path */
async function readPages(client, path) {
  /** @type {any[]} */
  const items = [];
  for (let after = ''; ; ) {
    const { status, body } = await client.call('GET', `${path}?limit=${pageSize}${after}`);
    if (status === 404) return null;
    if (status !== 200) throw new Error(`GET ${path} answered ${status}: ${body.error}`);
    items.push(...body.items);
    if (body.next === undefined || body.items.length === 0) return items;
    after = `&after=${encodeURIComponent(body.next)}`;
  }
}
