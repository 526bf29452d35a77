// A socket that takes envelopes, checks them and, where the server wants it, acks those of one turn in one frame.
import { isDeepStrictEqual } from 'node:util';
import { counterDigits, counterReader, idOf } from './envelopes.mjs';
import { eventually } from './eventually.mjs';
import { encodeFrame, opcodes } from './frames.mjs';
import { SocketConnection } from './socket-connection.mjs';

const acksInFrame = 1000;

export class Receiver {
  #connection;
  #run;
  #envelope;
  #counterOf;
  #events;
  /** @type {number[]} */
  #unacked = [];
  #target;
  #agentId;

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
    this.#counterOf = counterReader(envelope, run);
    this.#events = events;
    this.#target = target;
    this.#agentId = agentId;
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
    const counter = this.#counterOf(bytes, start, end);
    if (counter === undefined) this.#readOther(bytes.toString('utf8', start, end));
    else this.#take(counter);
  }

  /** @param {number} counter */
  #take(counter) {
    this.#events.delivered(counter);
    if (!this.#target.acks) return;
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

  /** Resolves when the bus counts none of this agent's mail as unsettled. */
  async finish() {
    const { acks, url, key } = this.#target;
    if (!acks) return;
    await eventually('the mailbox is empty', async () => {
      const reply = await fetch(new URL(`/agents/${encodeURIComponent(this.#agentId)}`, url), {
        headers: { 'x-agent-api-key': key },
      });
      const { agent } = /** @type {{ agent?: { queued: number, in_flight: number } }} */ (await reply.json());
      return agent?.queued === 0 && agent.in_flight === 0;
    });
  }

  close() {
    this.#connection.close();
  }
}
