// All clients of a run together: they work until the server is gone, and start over with the next one.
import { setTimeout as delay } from 'node:timers/promises';
import { agents, httpReceivers, httpSenders, socketReceivers, socketSenders } from './envelopes.mjs';
import { HttpClient } from './http-client.mjs';
import { HttpReceiver } from './http-receiver.mjs';
import { HttpSender } from './http-sender.mjs';
import { SocketAgent } from './socket-agent.mjs';

/**
 * One life of the server, as the clients know it.
 * @typedef {{ number: number, url: string, session: string | undefined, over: boolean, draining: boolean }} Run
 */

/** @typedef {{ work(run: Run): Promise<void> }} Worker */

/** Longer than a lease: what nobody has acked until then never moves again. */
const standstillMs = 8_000;

export class Fleet {
  #history;
  /** @type {Worker[]} */
  #senders;
  /** @type {Worker[]} */
  #receivers;
  #session = 0;

  /** @param {import('./history.mjs').History} history @param {import('./random.mjs').Random} random */
  constructor(history, random) {
    this.#history = history;
    const onSocket = (/** @type {boolean} */ sends) => (/** @type {string} */ agentId) =>
      new SocketAgent(agentId, history, random.fork(), { sends });
    this.#senders = httpSenders.map((agentId) => new HttpSender(agentId, history, random.fork()));
    this.#receivers = [
      ...socketSenders.map(onSocket(true)),
      ...socketReceivers.map(onSocket(false)),
      // Answers come back to the senders, who have to fetch them.
      ...[...httpReceivers, ...httpSenders].map((agentId) => new HttpReceiver(agentId, history, random.fork())),
    ];
  }

  /** Sends and receives until `crash` has ended the server. @param {Run} run @param {() => Promise<void>} crash */
  async work(run, crash) {
    run.session = await this.#openSession(run.url);
    const working = [...this.#senders, ...this.#receivers].map((worker) => worker.work(run));
    await crash();
    run.over = true;
    await Promise.all(working);
  }

  /** Takes what is left, until every mailbox is empty or nothing more comes. @param {Run} run */
  async drain(run) {
    run.draining = true;
    const client = new HttpClient(run.url);
    const working = this.#receivers.map((worker) => worker.work(run));
    let waiting = Number.POSITIVE_INFINITY;
    let changedAt = Date.now();
    for (let empty = 0; empty < 3 && Date.now() - changedAt < standstillMs; await delay(100)) {
      const now = await this.#waiting(client);
      if (now !== waiting) changedAt = Date.now();
      waiting = now;
      empty = now === 0 ? empty + 1 : 0;
    }
    client.close();
    run.over = true;
    return { working: Promise.all(working) };
  }

  /** @param {HttpClient} client */
  async #waiting(client) {
    let waiting = 0;
    for (const agentId of agents) {
      const { body } = await client.call('GET', `/agents/${encodeURIComponent(agentId)}`);
      if (body.success) waiting += body.agent.queued + body.agent.in_flight;
    }
    return waiting;
  }

  /** A new session of all agents for each run. @param {string} url */
  async #openSession(url) {
    const id = `session-${++this.#session}`;
    const participants = agents.map((agent_id) => ({ agent_id, role: 'worker' }));
    const client = new HttpClient(url);
    try {
      const { status } = await client.call('POST', '/sessions', { session_id: id, participants });
      this.#history.record({ kind: 'session', id, result: status === 201 ? 'ok' : 'err' });
      return status === 201 ? id : undefined;
    } catch {
      this.#history.record({ kind: 'session', id, result: 'unknown' });
      return undefined;
    } finally {
      client.close();
    }
  }
}
