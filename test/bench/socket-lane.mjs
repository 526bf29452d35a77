// A sender socket with a window of messages under way.
import { counterDigits, counterOffsets } from './envelopes.mjs';
import { encodeFrame, maskAt, opcodes, payloadStart } from './frames.mjs';
import { Sheet } from './sheet.mjs';
import { SocketConnection } from './socket-connection.mjs';

export class SocketLane {
  #connection;
  #window;
  #underWay = 0;
  #sheet;

  /**
   * @param {object} options
   * @param {import('./round.mjs').Target} options.target
   * @param {string} options.run
   * @param {string} options.agentId
   * @param {object} options.envelope
   * @param {number} options.window
   * @param {import('./http-lane.mjs').LaneEvents} options.events
   */
  constructor({ target, run, agentId, envelope, window, events }) {
    const payload = Buffer.from(JSON.stringify(envelope));
    const [at = 0] = counterOffsets(payload, run);
    this.#sheet = new Sheet({
      message: encodeFrame(opcodes.text, payload),
      counters: [payloadStart(payload.length) + at],
      copies: window,
      mask: maskAt(at, counterDigits),
    });
    this.#window = window;
    const accepted = (/** @type {string} */ id) => {
      this.#underWay--;
      events.accepted(Number(id.slice(-counterDigits)));
    };
    this.#connection = new SocketConnection({
      url: new URL(target.url),
      key: target.key,
      agentId,
      ...(target.acks ? { subprotocol: 'agent-bus.v1' } : {}),
      onText: (bytes, start, end) => readReceipts(bytes.toString('utf8', start, end), accepted),
      onFailure: events.failed,
    });
  }

  ready() {
    return this.#connection.ready();
  }

  get room() {
    return this.#window - this.#underWay;
  }

  /** @param {number} count At most `room`. @param {() => number} nextCounter */
  send(count, nextCounter) {
    this.#underWay += count;
    this.#connection.write(this.#sheet.print(count, nextCounter));
  }

  /** Where the server sends no receipts, a delivery gives the window back. */
  delivered() {
    this.#underWay--;
  }

  close() {
    this.#connection.close();
  }
}

/** @param {string} text @param {(id: string) => void} accepted @throws Error for anything that is not good news. */
function readReceipts(text, accepted) {
  const frame = JSON.parse(text);
  if (frame.type === 'hello') return;
  if (frame.type !== 'accepted') throw new Error(`a sender got ${text}`);
  for (const receipt of frame.receipts) {
    if (receipt.success !== true || receipt.duplicate) throw new Error(`a bad receipt: ${JSON.stringify(receipt)}`);
    accepted(receipt.message_id);
  }
}
