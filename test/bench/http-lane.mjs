// A keep-alive HTTP connection with one request under way, over a bare TCP socket with a prebuilt request.
import { connect } from 'node:net';
import { counterOffsets, writeCounter } from './envelopes.mjs';

/**
 * @typedef {object} LaneEvents
 * @property {(counter: number) => void} accepted
 * @property {(error: Error) => void} failed
 */

export class HttpLane {
  #socket;
  #events;
  #request;
  #offsets;
  #first = 0;
  /** @type {Buffer} */
  #reply = Buffer.alloc(0);
  #busy = false;

  /**
   * @param {{ target: import('./round.mjs').Target, run: string, envelopes: object[], events: LaneEvents }} options
   * One envelope is posted alone, several as a batch.
   */
  constructor({ target, run, envelopes, events }) {
    const url = new URL(target.url);
    const batch = envelopes.length > 1;
    const body = JSON.stringify(batch ? { messages: envelopes } : envelopes[0]);
    const head = [
      `POST /messages/${batch ? 'batch' : 'send'} HTTP/1.1`,
      `Host: ${url.host}`,
      `x-agent-api-key: ${target.key}`,
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    this.#request = Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
    this.#offsets = counterOffsets(this.#request, run);
    this.#events = events;
    this.#socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
    this.#socket.on('data', (chunk) => this.#read(chunk));
    this.#socket.on('error', (error) => events.failed(error));
    this.#socket.on('close', () => events.failed(new Error('the server closed an HTTP connection')));
  }

  /** Messages that may be sent now. */
  get room() {
    return this.#busy ? 0 : this.#offsets.length;
  }

  /** Sends `room` messages. @param {number} _count @param {() => number} nextCounter */
  send(_count, nextCounter) {
    // The request before was answered, so its bytes have left and may be written over.
    for (const [index, at] of this.#offsets.entries()) {
      const counter = nextCounter();
      if (index === 0) this.#first = counter;
      writeCounter(this.#request, at, counter);
    }
    this.#busy = true;
    this.#socket.write(this.#request);
  }

  /** The reply gives the window back, not the delivery. */
  delivered() {}

  /** @param {Buffer} chunk */
  #read(chunk) {
    const bytes = this.#reply.length === 0 ? chunk : Buffer.concat([this.#reply, chunk]);
    this.#reply = bytes;
    const bodyAt = bytes.indexOf('\r\n\r\n') + 4;
    if (bodyAt < 4) return;
    const head = bytes.toString('latin1', 0, bodyAt);
    const length = /\r\ncontent-length: (\d+)/i.exec(head);
    if (!length) return this.#events.failed(new Error(`a reply without Content-Length: ${head}`));
    const end = bodyAt + Number(length[1]);
    if (bytes.length < end) return;
    this.#reply = Buffer.alloc(0);
    this.#busy = false;
    const status = head.slice(9, 12);
    const single = this.#offsets.length === 1;
    if (single ? status !== '202' : status[0] !== '2') {
      return this.#events.failed(new Error(`refused: ${bytes.toString('utf8', 0, Math.min(end, 2000))}`));
    }
    try {
      if (single) this.#events.accepted(this.#first);
      else this.#readBatch(JSON.parse(bytes.toString('utf8', bodyAt, end)));
    } catch (error) {
      this.#events.failed(/** @type {Error} */ (error));
    }
  }

  /** @param {{ items: { success: boolean }[] }} reply */
  #readBatch({ items }) {
    const refused = items.find((item) => item.success !== true);
    if (refused) throw new Error(`refused in a batch: ${JSON.stringify(refused)}`);
    for (const index of items.keys()) this.#events.accepted(this.#first + index);
  }

  async ready() {
    if (this.#socket.connecting) await new Promise((resolve) => this.#socket.once('connect', resolve));
  }

  close() {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }
}
