// Redis streams as mailboxes: XADD, and for the receiver a consumer group with XREADGROUP and XACK.
import { counterOffsets, counterReader } from '../envelopes.mjs';
import { eventually } from '../eventually.mjs';
import { Sheet } from '../sheet.mjs';
import { Connection } from './connection.mjs';
import { command, readTokens } from './resp.mjs';
import { windowOfReceiver } from './window.mjs';

const group = 'agent';

/** A lane that knows by the order of the replies which message they accept. */
export class RedisSender {
  #connection;
  #sheet;
  #window;
  /** @type {number[]} */
  #underWay = [];

  /** @param {import('./window.mjs').SenderOptions} options */
  constructor({ target, run, queue, envelope, window, events }) {
    const message = command('XADD', queue, '*', 'envelope', JSON.stringify(envelope));
    this.#sheet = new Sheet({ message, counters: counterOffsets(message, run), copies: window });
    this.#window = window;
    const accept = () => events.accepted(this.#underWay.shift() ?? Number.NaN);
    this.#connection = new Connection({
      url: target.url,
      read: (bytes) => readTokens(bytes, { bulk: accept }),
      onFailure: events.failed,
    });
  }

  ready() {
    return this.#connection.ready();
  }

  get room() {
    return this.#window - this.#underWay.length;
  }

  /** @param {number} count @param {() => number} nextCounter */
  send(count, nextCounter) {
    const bytes = this.#sheet.print(count, () => {
      const counter = nextCounter();
      this.#underWay.push(counter);
      return counter;
    });
    this.#connection.write(bytes);
  }

  close() {
    this.#connection.close();
  }
}

/** Has one XREADGROUP under way; the next one leaves with the ack of what it brought. */
export class RedisReceiver {
  #target;
  #queue;
  #events;
  #connection;
  #counterOf;
  #next;
  /** @type {string[]} */
  #ids = [];
  /** Bulk strings of the reply so far, and array heads. */
  #bulks = 0;
  #arrays = 0;
  #expected = 0;
  #unconfirmed = 0;
  /** @type {() => void} */
  #created = () => {};

  /** @param {import('./window.mjs').ReceiverOptions} options */
  constructor({ target, run, queue, envelope, events }) {
    this.#target = target;
    this.#queue = queue;
    this.#events = events;
    this.#counterOf = counterReader(envelope, run);
    this.#next = command(
      ...['XREADGROUP', 'GROUP', group, 'one', 'COUNT', String(windowOfReceiver), 'BLOCK', '0', 'STREAMS', queue, '>'],
    );
    const tokens = {
      simple: () => this.#created(),
      integer: (/** @type {number} */ acknowledged) => {
        this.#unconfirmed -= acknowledged;
      },
      array: (/** @type {number} */ length) => this.#readHead(length),
      bulk: (/** @type {Buffer} */ bytes, /** @type {number} */ start, /** @type {number} */ end) =>
        this.#readBulk(bytes, start, end),
    };
    this.#connection = new Connection({
      url: target.url,
      read: (bytes) => readTokens(bytes, tokens),
      onFailure: events.failed,
    });
  }

  async ready() {
    const created = new Promise((resolve) => {
      this.#created = () => resolve(undefined);
    });
    this.#connection.write(command('XGROUP', 'CREATE', this.#queue, group, '$', 'MKSTREAM'));
    await created;
    this.#connection.write(this.#next);
  }

  /** The third array of a reply is the list of entries: [[queue, [[id, [field, envelope]], ...]]]. @param {number} length */
  #readHead(length) {
    this.#arrays++;
    if (this.#arrays === 3) this.#expected = length;
  }

  /** @param {Buffer} bytes @param {number} start @param {number} end */
  #readBulk(bytes, start, end) {
    const place = this.#bulks++;
    if (place === 0) return;
    if (place % 3 === 1) this.#ids.push(bytes.latin1Slice(start, end));
    if (place % 3 === 0) {
      const counter = this.#counterOf(bytes, start, end);
      if (counter === undefined) throw new Error(`changed on its way: ${bytes.toString('utf8', start, end)}`);
      this.#events.delivered(counter);
      if (this.#ids.length === this.#expected) this.#ack();
    }
  }

  #ack() {
    this.#connection.write(Buffer.concat([command('XACK', this.#queue, group, ...this.#ids), this.#next]));
    this.#events.acked(this.#ids.length);
    this.#unconfirmed += this.#ids.length;
    this.#ids = [];
    this.#bulks = 0;
    this.#arrays = 0;
  }

  async finish() {
    await eventually(`${this.#queue} has every ack`, async () => this.#unconfirmed === 0);
    this.#connection.close();
    await remove(this.#target.url, this.#queue);
  }

  close() {
    this.#connection.close();
  }
}

/** Over a connection of its own: the receiver's waits in XREADGROUP. @param {string} url @param {string} queue */
async function remove(url, queue) {
  /** @type {Connection | undefined} */
  let connection;
  await new Promise((resolve, onFailure) => {
    connection = new Connection({ url, read: (bytes) => readTokens(bytes, { integer: resolve }), onFailure });
    connection.write(command('UNLINK', queue));
  });
  connection?.close();
}
