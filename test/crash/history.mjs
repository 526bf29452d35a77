// What the clients saw, in the order in which they saw it: one JSON line an event, written by the parent process only.
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';

/**
 * `t` is in milliseconds since the epoch. `connection` names a socket or an HTTP client of one run.
 * @typedef {{ kind: 'start', t?: number }
 *   | { kind: 'crash', t?: number }
 *   | { kind: 'exit', code: number | null, signal: string | null, t?: number }
 *   | { kind: 'fault', name: string, t: number }
 *   | SendEvent
 *   | { kind: 'receipt', id: string, attempt: number, result: Result, code?: string, duplicate?: boolean, task?: string,
 *       t?: number }
 *   | DeliveryEvent
 *   | { kind: 'ack', ids: string[], agent: string, t?: number }
 *   | { kind: 'acked', ids: string[], agent: string, result: Result, code?: string, t?: number }
 *   | { kind: 'nack', id: string, agent: string, giveUp: boolean, t?: number }
 *   | { kind: 'nacked', id: string, agent: string, giveUp: boolean, result: Result, code?: string, t?: number }
 *   | { kind: 'session', id: string, result: Result, t?: number }} HistoryEvent
 */

/**
 * ok: the server said yes. err: it said no. unknown: it said nothing. What was refused counts as unknown too.
 * @typedef {'ok' | 'err' | 'unknown'} Result
 */

/**
 * Recorded before the call. `attempt` counts the sendings of one id; `conflict`: other content under a known id.
 * @typedef {object} SendEvent
 * @property {'send'} kind
 * @property {string} id
 * @property {number} attempt
 * @property {string} connection
 * @property {string} recipient
 * @property {string} priority
 * @property {string} hash
 * @property {boolean} [conflict]
 * @property {{ session: string, role: 'request' | 'response', request?: string }} [task]
 * @property {number} [t]
 */

/**
 * `attempt` is what the server said, where the door says it.
 * @typedef {object} DeliveryEvent
 * @property {'delivery'} kind
 * @property {string} id
 * @property {string} agent Whose mailbox it came from.
 * @property {'http' | 'websocket'} door
 * @property {string} hash
 * @property {number} [attempt]
 * @property {number} [t]
 */

const bufferedLines = 256;

export class History {
  #file;
  /** @type {string[]} */
  #lines = [];
  /** @type {Map<string, number>} */
  #refusals = new Map();
  /** What has happened so far, for whoever waits for something to happen. */
  counts = { accepted: 0, acked: 0, refused: (/** @type {string} */ code) => this.#refusals.get(code) ?? 0 };

  /** @param {string} path Made anew. */
  constructor(path) {
    this.path = path;
    this.#file = openSync(path, 'w');
  }

  /** @param {HistoryEvent} event */
  record(event) {
    this.#lines.push(JSON.stringify({ t: Date.now(), ...event }));
    this.#count(event);
    if (this.#lines.length >= bufferedLines) this.#write();
  }

  /** Everything recorded so far is on disk afterwards. */
  sync() {
    this.#write();
    fsyncSync(this.#file);
  }

  close() {
    this.sync();
    closeSync(this.#file);
  }

  /** @param {HistoryEvent} event */
  #count(event) {
    if (event.kind === 'receipt' && event.result === 'ok') this.counts.accepted++;
    else if (event.kind === 'acked' && event.result === 'ok') this.counts.acked++;
    if (!('code' in event) || typeof event.code !== 'string') return;
    this.#refusals.set(event.code, this.counts.refused(event.code) + 1);
  }

  #write() {
    if (this.#lines.length > 0) writeSync(this.#file, `${this.#lines.join('\n')}\n`);
    this.#lines = [];
  }
}

/** @param {string} path @returns {HistoryEvent[]} */
export function readHistory(path) {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
