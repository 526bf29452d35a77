// A connection to RabbitMQ with one channel open on it.
import {
  frameTypes,
  long,
  longString,
  methodFrame,
  methods,
  octet,
  readFrames,
  short,
  shortString,
} from './amqp-frames.mjs';
import { Connection } from './connection.mjs';

const channel = 1;
const names = new Map(Object.entries(methods).map(([name, id]) => [id, name]));

export class AmqpChannel {
  #connection;
  #onMethod;
  #onBody;
  /** @type {{ id: number, resolve: (fields: Buffer) => void } | undefined} */
  #asked;

  /**
   * @param {object} options Bytes are valid during the call only.
   * @param {string} options.url
   * @param {(id: number, bytes: Buffer, start: number) => void} options.onMethod What is no answer; `start` is that of its fields.
   * @param {(bytes: Buffer, start: number, end: number) => void} [options.onBody]
   * @param {(error: Error) => void} options.onFailure
   */
  constructor({ url, onMethod, onBody, onFailure }) {
    this.#onMethod = onMethod;
    this.#onBody = onBody;
    this.#connection = new Connection({
      url,
      read: (bytes) => readFrames(bytes, (type, start, end) => this.#read(type, bytes, start, end)),
      onFailure,
    });
  }

  async ready() {
    await this.#connection.ready();
    await this.#exchange(Buffer.from('AMQP\0\0\x09\x01', 'latin1'), methods.connectionStart);
    const login = [long(0), shortString('PLAIN'), longString('\0guest\0guest'), shortString('en_US')];
    const tune = await this.#exchange(methodFrame(methods.connectionStartOk, 0, ...login), methods.connectionTune);
    const limits = tune.subarray(0, 6);
    const noHeartbeat = short(0);
    this.write(methodFrame(methods.connectionTuneOk, 0, limits, noHeartbeat));
    const open = methodFrame(methods.connectionOpen, 0, shortString('/'), shortString(''), octet(0));
    await this.#exchange(open, methods.connectionOpenOk);
    await this.ask(methods.channelOpen, methods.channelOpenOk, shortString(''));
  }

  /**
   * Sends a method and resolves with the fields of its answer.
   * @param {number} request @param {number} answer @param {Buffer[]} fields
   */
  ask(request, answer, ...fields) {
    return this.#exchange(methodFrame(request, channel, ...fields), answer);
  }

  /** Sends a method that is not answered. @param {number} id @param {Buffer[]} fields */
  tell(id, ...fields) {
    this.write(methodFrame(id, channel, ...fields));
  }

  /** @param {Buffer} bytes @param {number} answer @returns {Promise<Buffer>} */
  #exchange(bytes, answer) {
    this.write(bytes);
    return new Promise((resolve) => {
      this.#asked = { id: answer, resolve };
    });
  }

  /** @param {Buffer} frames */
  write(frames) {
    this.#connection.write(frames);
  }

  close() {
    this.#connection.close();
  }

  /** @param {number} type @param {Buffer} bytes @param {number} start @param {number} end */
  #read(type, bytes, start, end) {
    if (type === frameTypes.body) return this.#onBody?.(bytes, start, end);
    if (type !== frameTypes.method) return;
    const id = bytes.readUInt32BE(start);
    if (id === this.#asked?.id) {
      this.#asked.resolve(Buffer.from(bytes.subarray(start + 4, end)));
      this.#asked = undefined;
    } else if (names.has(id) && id !== methods.channelClose) this.#onMethod(id, bytes, start + 4);
    else throw new Error(`rabbitmq-server said: ${bytes.toString('latin1', start + 4, end)}`);
  }
}
