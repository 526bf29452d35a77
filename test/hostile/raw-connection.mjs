// A plain TCP connection to the server: bytes out as they are, bytes in as they come.
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export class RawConnection {
  #socket;
  /** @type {Buffer[]} */
  #chunks = [];
  #wake = () => {};
  #length = 0;
  /** Where the bytes begin that nobody has taken yet. */
  #taken = 0;
  /** True when nothing more will come. */
  ended = false;
  /** When the server ended it, on the clock of `performance.now`. @type {number | undefined} */
  endedAt;
  openedAt = performance.now();

  /** @param {{ port: number }} target @param {{ reads?: boolean }} [options] `reads: false` leaves in the kernel what comes. */
  constructor({ port }, { reads = true } = {}) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    this.#socket.on('error', () => undefined);
    if (reads) {
      this.#socket.on('data', (chunk) => {
        this.#chunks.push(chunk);
        this.#length += chunk.length;
        this.#wake();
      });
    }
    const over = () => {
      this.ended = true;
      this.endedAt ??= performance.now();
      this.#wake();
    };
    this.#socket.on('end', over);
    this.#socket.on('close', over);
  }

  /** Resolves when the bytes are handed to the kernel, or never will be. @param {Buffer | string} bytes @returns {Promise<void>} */
  write(bytes) {
    return new Promise((resolve) => {
      if (this.#socket.destroyed) resolve();
      else this.#socket.write(bytes, () => resolve());
    });
  }

  /** No byte more; what comes is still read. */
  end() {
    this.#socket.end();
  }

  /** Reads what lies in the kernel, and on. */
  read() {
    this.#socket.resume();
  }

  close() {
    this.#socket.destroy();
  }

  /** How many bytes have come and were not taken. */
  get available() {
    return this.#length - this.#taken;
  }

  /** Those bytes, put together: costly while much is on its way. */
  get unread() {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return (this.#chunks[0] ?? Buffer.alloc(0)).subarray(this.#taken);
  }

  /** @param {number} count */
  take(count) {
    this.#taken += count;
    if (this.#taken < this.#length) return;
    this.#chunks = [];
    this.#length = 0;
    this.#taken = 0;
  }

  /** Resolves with true when more has come or the end has; with false after so long. @param {number} withinMs */
  async more(withinMs) {
    if (this.ended) return true;
    const timer = new AbortController();
    const news = new Promise((resolve) => {
      this.#wake = () => resolve(true);
    });
    const late = delay(withinMs, false, { signal: timer.signal }).catch(() => false);
    const came = await Promise.race([news, late]);
    timer.abort();
    return came === true;
  }

  /** Resolves with what came, when the server has ended the connection or after so long. @param {number} withinMs */
  async untilEnd(withinMs) {
    const until = performance.now() + withinMs;
    while (!this.ended && performance.now() < until) await this.more(until - performance.now());
    return this.unread;
  }
}
