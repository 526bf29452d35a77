// A TCP connection whose bytes are read in whole pieces, and on which a setup step can await its answer.
import { once } from 'node:events';
import { connect } from 'node:net';

export class Connection {
  #socket;
  #connected;
  /** @type {Buffer} */
  #rest = Buffer.alloc(0);

  /**
   * @param {object} options
   * @param {string} options.url
   * @param {(bytes: Buffer) => number} options.read Takes the whole pieces at the start of the bytes, says how long they were.
   * @param {(error: Error) => void} options.onFailure
   */
  constructor({ url, read, onFailure }) {
    const { hostname, port, host } = new URL(url);
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true });
    this.#connected = once(this.#socket, 'connect');
    this.#connected.catch(() => {});
    this.#socket.on('error', onFailure);
    this.#socket.on('close', () => onFailure(new Error(`${host} closed a connection`)));
    this.#socket.on('data', (chunk) => {
      const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
      try {
        this.#rest = bytes.subarray(read(bytes));
      } catch (error) {
        onFailure(/** @type {Error} */ (error));
      }
    });
  }

  async ready() {
    await this.#connected;
  }

  /** @param {Buffer | string} bytes */
  write(bytes) {
    this.#socket.write(bytes);
  }

  close() {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }
}
