// A socket that takes envelopes, checks them and, where the server wants it, acks those of one turn in one frame.
import { isDeepStrictEqual } from 'node:util';
import { counterDigits, counterOffsets, idOf, readCounter } from './envelopes.mjs';
import { encodeFrame, opcodes } from './frames.mjs';
import { SocketConnection } from './socket-connection.mjs';

const acksInFrame = 1000;

export class Receiver {
  #connection;
  #run;
  #envelope;
  #prefixLength;
  #expected;
  #events;
  /** @type {number[]} */
  #unacked = [];
  #acks;

  /**
   * @param {object} options
   * @param {import('./round.mjs').Target} options.target
   * @param {string} options.run
   * @param {string} options.agentId
   * @param {{ message_id: string }} options.envelope What every message to this agent is, but for its id.
   * @param {{ delivered: (counter: number) => void, acked: (count: number) => void, failed: (error: Error) => void }} options.events
   */
  constructor({ target, run, agentId, envelope, events }) {
    this.#run = run;
    this.#envelope = envelope;
    this.#expected = Buffer.from(JSON.stringify(envelope));
    this.#prefixLength = counterOffsets(this.#expected, run)[0] ?? 0;
    this.#events = events;
    this.#acks = target.acks;
    this.#connection = new SocketConnection({
      url: new URL(target.url),
      key: target.key,
      agentId,
      ...(target.acks ? { subprotocol: 'agent-bus.v1' } : {}),
      onText: (bytes, start, end) => this.#read(bytes, start, end),
      onFailure: events.failed,
    });
  }

  ready() {
    return this.#connection.ready();
  }

  /** @param {Buffer} bytes @param {number} start @param {number} end */
  #read(bytes, start, end) {
    const expected = this.#expected;
    const counterAt = this.#prefixLength;
    const restAt = counterAt + counterDigits;
    const same =
      expected.compare(bytes, start, start + counterAt, 0, counterAt) === 0 &&
      expected.compare(bytes, start + restAt, end, restAt) === 0;
    if (same) this.#take(readCounter(bytes, start + counterAt));
    else this.#readOther(bytes.toString('utf8', start, end));
  }

  /** @param {number} counter */
  #take(counter) {
    this.#events.delivered(counter);
    if (!this.#acks) return;
    if (this.#unacked.length === 0) setImmediate(() => this.#ack());
    this.#unacked.push(counter);
  }

  #ack() {
    for (let at = 0; at < this.#unacked.length; at += acksInFrame) {
      const ids = this.#unacked.slice(at, at + acksInFrame).map((counter) => idOf(this.#run, counter));
      this.#connection.write(
        encodeFrame(opcodes.text, Buffer.from(`{"type":"ack","message_ids":["${ids.join('","')}"]}`)),
      );
    }
    this.#events.acked(this.#unacked.length);
    this.#unacked = [];
  }

  /** What differs in its bytes: another frame, or an envelope written anew. @param {string} text */
  #readOther(text) {
    const frame = JSON.parse(text);
    if (frame.type === 'hello') return;
    const counter = Number(String(frame.message_id).slice(-counterDigits));
    const expected = { ...this.#envelope, message_id: idOf(this.#run, counter) };
    if (!isDeepStrictEqual(frame, expected)) throw new Error(`a receiver got what was never sent: ${text}`);
    this.#take(counter);
  }

  close() {
    this.#connection.close();
  }
}
