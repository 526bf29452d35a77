// RabbitMQ's durable queues as mailboxes: persistent messages with publisher confirms, and consumers that ack by hand.
import { counterOffsets, counterReader } from '../envelopes.mjs';
import { eventually } from '../eventually.mjs';
import { Sheet } from '../sheet.mjs';
import { AmqpChannel } from './amqp-channel.mjs';
import { frame, frameTypes, long, longLong, methodFrame, methods, octet, short, shortString } from './amqp-frames.mjs';
import { windowOfReceiver } from './window.mjs';

const channel = 1;
const basicClass = 60;
const durable = 2;
const passive = 1;
const persistent = 2;
const deliveryModeFlag = 0x1000;
const noTable = long(0);

/** Confirms come by publish number, one by one or up to one. */
export class AmqpSender {
  #channel;
  #sheet;
  #window;
  #events;
  #published = 0;
  /** @type {Map<number, number>} Counters by publish number, oldest first. */
  #underWay = new Map();

  /** @param {import('./window.mjs').SenderOptions} options */
  constructor({ target, run, queue, envelope, window, events }) {
    const payload = Buffer.from(JSON.stringify(envelope));
    const properties = [short(deliveryModeFlag), octet(persistent)];
    const message = Buffer.concat([
      methodFrame(methods.basicPublish, channel, short(0), shortString(''), shortString(queue), octet(0)),
      frame(
        frameTypes.header,
        channel,
        Buffer.concat([short(basicClass), short(0), longLong(payload.length), ...properties]),
      ),
      frame(frameTypes.body, channel, payload),
    ]);
    this.#sheet = new Sheet({ message, counters: counterOffsets(message, run), copies: window });
    this.#window = window;
    this.#events = events;
    this.#channel = new AmqpChannel({
      url: target.url,
      onMethod: (id, bytes, start) => this.#read(id, bytes, start),
      onFailure: events.failed,
    });
  }

  async ready() {
    await this.#channel.ready();
    await this.#channel.ask(methods.confirmSelect, methods.confirmSelectOk, octet(0));
  }

  get room() {
    return this.#window - this.#underWay.size;
  }

  /** @param {number} count @param {() => number} nextCounter */
  send(count, nextCounter) {
    const bytes = this.#sheet.print(count, () => {
      const counter = nextCounter();
      this.#underWay.set(++this.#published, counter);
      return counter;
    });
    this.#channel.write(bytes);
  }

  /** @param {number} id @param {Buffer} bytes @param {number} start */
  #read(id, bytes, start) {
    if (id !== methods.basicAck) throw new Error(`rabbitmq-server did not store a message (method ${id})`);
    const last = Number(bytes.readBigUInt64BE(start));
    const multiple = bytes[start + 8] === 1;
    if (!multiple) return this.#accept(last);
    for (const number of this.#underWay.keys()) {
      if (number > last) break;
      this.#accept(number);
    }
  }

  /** @param {number} number */
  #accept(number) {
    this.#events.accepted(this.#underWay.get(number) ?? Number.NaN);
    this.#underWay.delete(number);
  }

  close() {
    this.#channel.close();
  }
}

/** Acks all that arrived in one turn with one `multiple` ack. */
export class AmqpReceiver {
  #channel;
  #target;
  #queue;
  #counterOf;
  #events;
  #delivered = 0;
  #acked = 0;

  /** @param {import('./window.mjs').ReceiverOptions} options */
  constructor({ target, run, queue, envelope, events }) {
    this.#target = target;
    this.#queue = queue;
    this.#events = events;
    this.#counterOf = counterReader(envelope, run);
    this.#channel = new AmqpChannel({
      url: target.url,
      onMethod: (id) => {
        if (id !== methods.basicDeliver) throw new Error(`rabbitmq-server sent a consumer method ${id}`);
      },
      onBody: (bytes, start, end) => this.#read(bytes, start, end),
      onFailure: events.failed,
    });
  }

  async ready() {
    await this.#channel.ready();
    await this.#declare(this.#channel, durable);
    const prefetch = [long(0), short(windowOfReceiver), octet(0)];
    await this.#channel.ask(methods.basicQos, methods.basicQosOk, ...prefetch);
    const consume = [short(0), shortString(this.#queue), shortString('agent'), octet(0), noTable];
    await this.#channel.ask(methods.basicConsume, methods.basicConsumeOk, ...consume);
  }

  /** Resolves with how many messages are ready. @param {AmqpChannel} channelOf @param {number} flags */
  async #declare(channelOf, flags) {
    const fields = [short(0), shortString(this.#queue), octet(flags), noTable];
    const answer = await channelOf.ask(methods.queueDeclare, methods.queueDeclareOk, ...fields);
    return answer.readUInt32BE(1 + (answer[0] ?? 0));
  }

  /** @param {Buffer} bytes @param {number} start @param {number} end */
  #read(bytes, start, end) {
    const counter = this.#counterOf(bytes, start, end);
    if (counter === undefined) throw new Error(`changed on its way: ${bytes.toString('utf8', start, end)}`);
    this.#events.delivered(counter);
    if (this.#delivered++ === this.#acked) setImmediate(() => this.#ack());
  }

  #ack() {
    // Delivery numbers of a channel count from 1 on.
    const multiple = octet(1);
    this.#channel.tell(methods.basicAck, longLong(this.#delivered), multiple);
    this.#events.acked(this.#delivered - this.#acked);
    this.#acked = this.#delivered;
  }

  /** What a channel leaves un-acked is ready again once it is closed. */
  async finish() {
    await this.#channel.ask(
      methods.channelClose,
      methods.channelCloseOk,
      short(200),
      shortString(''),
      short(0),
      short(0),
    );
    const other = new AmqpChannel({ url: this.#target.url, onMethod: () => {}, onFailure: this.#events.failed });
    await other.ready();
    await eventually(`${this.#queue} has every ack`, async () => (await this.#declare(other, passive)) === 0);
    await other.ask(methods.queueDelete, methods.queueDeleteOk, short(0), shortString(this.#queue), octet(0));
    other.close();
  }

  close() {
    this.#channel.close();
  }
}
