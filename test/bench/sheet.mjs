// What a lane writes at once: copies of one prebuilt message, each with a counter of its own.
import { writeCounter } from './envelopes.mjs';

export class Sheet {
  #copies;
  #length;
  #counters;
  #mask;

  /**
   * @param {object} options
   * @param {Buffer} options.message As it goes over the wire.
   * @param {number[]} options.counters Where the counter lies in it, once or several times.
   * @param {number} options.copies Most that are printed at once.
   * @param {Uint8Array} [options.mask] The nine mask bytes that fall on the counter, in a masked frame.
   */
  constructor({ message, counters, copies, mask }) {
    this.#copies = Buffer.concat(Array.from({ length: copies }, () => message));
    this.#length = message.length;
    this.#counters = counters;
    this.#mask = mask;
  }

  /** A buffer of its own: the socket may still hold the one before. @param {number} count @param {() => number} nextCounter */
  print(count, nextCounter) {
    const bytes = Buffer.allocUnsafe(count * this.#length);
    this.#copies.copy(bytes, 0, 0, bytes.length);
    for (let at = 0; at < bytes.length; at += this.#length) {
      const counter = nextCounter();
      for (const offset of this.#counters) writeCounter(bytes, at + offset, counter, this.#mask);
    }
    return bytes;
  }
}
