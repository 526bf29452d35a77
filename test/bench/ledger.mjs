// What became of every message of one round: sent, accepted, delivered; each exactly once, or the round fails.

const accepted = 1;
const delivered = 2;
const settled = accepted | delivered;

export class Ledger {
  sent = 0;
  accepted = 0;
  delivered = 0;
  acked = 0;
  /** Accepted and delivered. */
  settled = 0;
  #state;
  #sentAt;
  #latencies;
  #samples = 0;
  #sampling = false;
  receipts;

  /**
   * @param {number} capacity Most messages that the round may send.
   * @param {boolean} receipts Whether the server says what it accepted; a relay's sockets do not.
   */
  constructor(capacity, receipts) {
    this.#state = new Uint8Array(capacity);
    this.#sentAt = new Float64Array(capacity);
    this.#latencies = new Float32Array(capacity);
    this.receipts = receipts;
  }

  get outstanding() {
    return this.sent - this.settled;
  }

  get room() {
    return this.#state.length - this.sent;
  }

  /** The counter of the next message. @param {number} now Milliseconds. */
  send(now) {
    const counter = this.sent++;
    this.#sentAt[counter] = now;
    if (!this.receipts) this.#mark(counter, accepted);
    return counter;
  }

  /** @param {number} counter */
  accept(counter) {
    this.#mark(counter, accepted);
    this.accepted++;
  }

  /** @param {number} counter @param {number} now Milliseconds. */
  deliver(counter, now) {
    this.#mark(counter, delivered);
    this.delivered++;
    if (this.#sampling) this.#latencies[this.#samples++] = now - this.#sentAt[counter];
  }

  /** @param {number} counter @param {number} event */
  #mark(counter, event) {
    if (!(counter >= 0 && counter < this.sent)) throw new Error(`message ${counter} was never sent`);
    if ((this.#state[counter] & event) !== 0) {
      throw new Error(`message ${counter} was ${event === accepted ? 'accepted' : 'delivered'} twice`);
    }
    this.#state[counter] |= event;
    if (this.#state[counter] === settled) this.settled++;
  }

  /** Latencies are kept between these two calls. @param {boolean} sampling */
  sample(sampling) {
    this.#sampling = sampling;
  }

  /** Send to delivered, in milliseconds. */
  latency() {
    const sorted = this.#latencies.subarray(0, this.#samples).sort();
    const at = (/** @type {number} */ share) =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return { p50: at(0.5), p99: at(0.99) };
  }

  /** @param {boolean} acks Whether the receivers ack. @throws Error when one message is missing anywhere. */
  assertExact(acks) {
    const counts = { sent: this.sent, settled: this.settled, delivered: this.delivered };
    if (this.receipts) Object.assign(counts, { accepted: this.accepted });
    if (acks) Object.assign(counts, { acked: this.acked });
    if (Object.values(counts).some((count) => count !== this.sent)) {
      throw new Error(`the counts differ: ${JSON.stringify(counts)}`);
    }
  }
}
