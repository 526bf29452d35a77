// JetStream streams as mailboxes: a publish with a reply subject, and for the receiver a durable push consumer.
import { counterDigits, counterOffsets, counterReader } from '../envelopes.mjs';
import { eventually } from '../eventually.mjs';
import { Sheet } from '../sheet.mjs';
import { NatsConnection } from './nats-connection.mjs';
import { windowOfReceiver } from './window.mjs';

const consumer = 'agent';

/** Finds the message that a confirmation is about by the subject that it came to. */
export class NatsSender {
  #connection;
  #sheet;
  #window;
  #inbox;
  #underWay = 0;

  /** @param {import('./window.mjs').SenderOptions} options */
  constructor({ target, run, queue, envelope, window, events }) {
    this.#inbox = `confirmed.${queue}`;
    const payload = JSON.stringify(envelope);
    const head = `PUB ${queue} ${this.#inbox}.`;
    const message = Buffer.from(`${head}${'0'.repeat(counterDigits)} ${Buffer.byteLength(payload)}\r\n${payload}\r\n`);
    const counters = [head.length, ...counterOffsets(message, run)];
    this.#sheet = new Sheet({ message, counters, copies: window });
    this.#window = window;
    this.#connection = new NatsConnection({
      url: target.url,
      onMessage: ({ subject, bytes, start, end }) => {
        const text = bytes.latin1Slice(start, end);
        if (!text.startsWith('{"stream":')) throw new Error(`nats-server did not store a message: ${text}`);
        this.#underWay--;
        events.accepted(Number(subject.slice(-counterDigits)));
      },
      onFailure: events.failed,
    });
  }

  async ready() {
    await this.#connection.ready();
    this.#connection.write(`SUB ${this.#inbox}.* 1\r\n`);
  }

  get room() {
    return this.#window - this.#underWay;
  }

  /** @param {number} count @param {() => number} nextCounter */
  send(count, nextCounter) {
    this.#underWay += count;
    this.#connection.write(this.#sheet.print(count, nextCounter));
  }

  close() {
    this.#connection.close();
  }
}

/** Acks what arrived in one turn in one write. */
export class NatsReceiver {
  #connection;
  #queue;
  #mail;
  #answers;
  #counterOf;
  #events;
  /** @type {string[]} */
  #unacked = [];
  /** @type {(answer: any) => void} */
  #answered = () => {};

  /** @param {import('./window.mjs').ReceiverOptions} options */
  constructor({ target, run, queue, envelope, events }) {
    this.#queue = queue;
    this.#mail = `mail.${queue}`;
    this.#answers = `answers.${queue}`;
    this.#events = events;
    this.#counterOf = counterReader(envelope, run);
    this.#connection = new NatsConnection({
      url: target.url,
      onMessage: (message) => this.#read(message),
      onFailure: events.failed,
    });
  }

  async ready() {
    await this.#connection.ready();
    this.#connection.write(`SUB ${this.#answers} 1\r\nSUB ${this.#mail} 2\r\n`);
    await this.#ask(`STREAM.CREATE.${this.#queue}`, { name: this.#queue, subjects: [this.#queue], storage: 'file' });
    await this.#ask(`CONSUMER.DURABLE.CREATE.${this.#queue}.${consumer}`, {
      stream_name: this.#queue,
      config: {
        durable_name: consumer,
        deliver_subject: this.#mail,
        ack_policy: 'explicit',
        max_ack_pending: windowOfReceiver,
      },
    });
  }

  /** A request to JetStream's own API. @param {string} request @param {object} body */
  async #ask(request, body) {
    const payload = JSON.stringify(body);
    const answer = new Promise((resolve) => {
      this.#answered = resolve;
    });
    const head = `PUB $JS.API.${request} ${this.#answers} ${Buffer.byteLength(payload)}`;
    this.#connection.write(`${head}\r\n${payload}\r\n`);
    const { error, ...result } = await answer;
    if (error) throw new Error(`nats-server refused ${request}: ${JSON.stringify(error)}`);
    return result;
  }

  /** @param {import('./nats-connection.mjs').Message} message */
  #read({ subject, reply, bytes, start, end }) {
    if (subject === this.#answers) return this.#answered(JSON.parse(bytes.toString('utf8', start, end)));
    const counter = this.#counterOf(bytes, start, end);
    if (counter === undefined) throw new Error(`changed on its way: ${bytes.toString('utf8', start, end)}`);
    this.#events.delivered(counter);
    if (this.#unacked.length === 0) setImmediate(() => this.#ack());
    this.#unacked.push(reply);
  }

  #ack() {
    this.#connection.write(this.#unacked.map((reply) => `PUB ${reply} 4\r\n+ACK\r\n`).join(''));
    this.#events.acked(this.#unacked.length);
    this.#unacked = [];
  }

  async finish() {
    await eventually(`${this.#queue} has every ack`, async () => {
      const info = await this.#ask(`CONSUMER.INFO.${this.#queue}.${consumer}`, {});
      return info.num_pending === 0 && info.num_ack_pending === 0;
    });
    await this.#ask(`STREAM.DELETE.${this.#queue}`, {});
  }

  close() {
    this.#connection.close();
  }
}
