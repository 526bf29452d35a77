// NATS's text protocol: the greeting, pings, and messages as they arrive.
import { Connection } from './connection.mjs';

const carriageReturn = 13;

/**
 * @typedef {object} Message Bytes are valid during the call only.
 * @property {string} subject
 * @property {string} reply Empty where none is wanted.
 * @property {Buffer} bytes
 * @property {number} start
 * @property {number} end
 */

export class NatsConnection {
  #connection;
  #onMessage;
  #greeted;
  /** @type {() => void} */
  #pong = () => {};

  /** @param {{ url: string, onMessage: (message: Message) => void, onFailure: (error: Error) => void }} options */
  constructor({ url, onMessage, onFailure }) {
    this.#onMessage = onMessage;
    this.#greeted = new Promise((resolve) => {
      this.#pong = () => resolve(undefined);
    });
    this.#connection = new Connection({ url, read: (bytes) => this.#read(bytes), onFailure });
    this.#connection.write('CONNECT {"verbose":false,"pedantic":false,"lang":"node","version":"1"}\r\nPING\r\n');
  }

  /** Resolves when the server has answered the first ping. */
  async ready() {
    await this.#greeted;
  }

  /** @param {Buffer | string} bytes */
  write(bytes) {
    this.#connection.write(bytes);
  }

  close() {
    this.#connection.close();
  }

  /** @param {Buffer} bytes */
  #read(bytes) {
    let at = 0;
    while (at < bytes.length) {
      const lineEnd = bytes.indexOf(carriageReturn, at);
      if (lineEnd < 0 || lineEnd + 2 > bytes.length) break;
      const [verb, subject = '', , ...rest] = bytes.latin1Slice(at, lineEnd).split(' ');
      const start = lineEnd + 2;
      if (verb === 'MSG') {
        // MSG <subject> <subscription> [reply] <length>
        const end = start + Number(rest.at(-1));
        if (end + 2 > bytes.length) break;
        this.#onMessage({ subject, reply: rest.length > 1 ? (rest[0] ?? '') : '', bytes, start, end });
        at = end + 2;
        continue;
      }
      if (verb === 'PING') this.write('PONG\r\n');
      else if (verb === 'PONG') this.#pong();
      else if (verb !== 'INFO') throw new Error(`nats-server said: ${bytes.toString('utf8', at, lineEnd)}`);
      at = start;
    }
    return at;
  }
}
