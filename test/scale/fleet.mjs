// Many connected agents in one process: each counts what it is sent, acks it, and hears what became of what it sent.
import { execFileSync } from 'node:child_process';
import { encodeFrame, opcodes } from '../bench/frames.mjs';
import { SocketConnection } from '../bench/socket-connection.mjs';
import { apiKey } from '../crash/http-client.mjs';

/** Handshakes under way at once. */
const connecting = 256;
/** Files of the process that are not sockets, with room to spare. */
const otherFiles = 200;

/** @param {number} index */
export function agentId(index) {
  return `scale://agent-${index}`;
}

/** @typedef {{ accepted: (id: string) => void, delivered: (agent: number, envelope: any) => void }} FleetEvents */

export class Fleet {
  /** @type {SocketConnection[]} */
  #connections = [];
  #url;
  #events;
  /** @type {Error | undefined} */
  failure;

  /** @param {string} url @param {FleetEvents} events */
  constructor(url, events) {
    this.#url = new URL(url);
    this.#events = events;
  }

  /** How long each handshake took, in milliseconds. @param {number} count @returns {Promise<number[]>} */
  async connect(count) {
    assertFiles(count);
    /** @type {number[]} */
    const took = [];
    const worker = async () => {
      while (this.#connections.length < count && !this.failure) {
        const started = performance.now();
        await this.#open(this.#connections.length).ready();
        took.push(performance.now() - started);
      }
    };
    await Promise.all(Array.from({ length: connecting }, worker));
    this.check();
    return took;
  }

  /** @param {number} index */
  #open(index) {
    const connection = new SocketConnection({
      url: this.#url,
      key: apiKey,
      agentId: agentId(index),
      subprotocol: 'agent-bus.v1',
      onText: (bytes, start, end) => this.#read(index, JSON.parse(bytes.toString('utf8', start, end))),
      onFailure: (error) => {
        this.failure ??= error;
      },
    });
    this.#connections.push(connection);
    return connection;
  }

  /** @param {number} index @param {any} frame */
  #read(index, frame) {
    if (frame.message_type !== undefined) {
      this.#events.delivered(index, frame);
      this.#say(index, { type: 'ack', message_id: frame.message_id });
    } else if (frame.type === 'accepted') {
      for (const receipt of frame.receipts) this.#events.accepted(receipt.message_id);
    } else if (frame.type !== 'hello') throw new Error(`${agentId(index)} got ${JSON.stringify(frame)}`);
  }

  /** @param {number} index @param {object} frame */
  #say(index, frame) {
    this.send(index, Buffer.from(JSON.stringify(frame)));
  }

  /** @param {number} index @param {Buffer} text */
  send(index, text) {
    this.#connections[index]?.write(encodeFrame(opcodes.text, text));
  }

  /** @throws Error where any of the connections was lost. */
  check() {
    if (this.failure) throw this.failure;
  }

  close() {
    for (const connection of this.#connections) connection.close();
  }
}

/** The server has as many. @param {number} sockets @throws Error that says what to do. */
function assertFiles(sockets) {
  const limit = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
  if (limit !== 'unlimited' && Number(limit) < sockets + otherFiles) {
    throw new Error(`${sockets} sockets need more open files than the ${limit} allowed: raise \`ulimit -Hn\``);
  }
}
