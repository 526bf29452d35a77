// One socket of one agent: frames out with their history, receipts and refusals matched to what they answer.
import WebSocket from 'ws';
import { apiKey } from './http-client.mjs';

/** @typedef {import('./envelopes.mjs').Envelope} Envelope */
/** @typedef {{ envelope: Envelope, attempt: number, settlements: number }} Sending */

export class SocketLink {
  #socket;
  #connection;
  #agentId;
  #history;
  #recorder;
  #over = false;
  /** Set when a sending is refused; whoever slows down for it sets it back. */
  refused = false;
  /** Unanswered, by id, oldest first. @type {Map<string, Sending[]>} */
  #sendings = new Map();
  #unanswered = 0;
  /** Acks and nacks that are not confirmed: the bus answers only refusals. @type {{ number: number, event: any }[]} */
  #settlements = [];
  #settlementCount = 0;
  #idle = () => {};

  /**
   * @param {{ url: string, number: number }} run @param {string} agentId
   * @param {import('./history.mjs').History} history @param {import('./sending.mjs').SendRecorder} recorder
   * @param {(envelope: Envelope) => void} onEnvelope
   */
  constructor({ url, number }, agentId, history, recorder, onEnvelope) {
    this.#agentId = agentId;
    this.#connection = `${agentId} ${number}`;
    this.#history = history;
    this.#recorder = recorder;
    this.#socket = new WebSocket(
      `${url.replace('http', 'ws')}/?agent_id=${encodeURIComponent(agentId)}`,
      'agent-bus.v1',
      {
        headers: { 'x-agent-api-key': apiKey },
        perMessageDeflate: false,
      },
    );
    this.#socket.on('error', () => this.#socket.terminate());
    this.#socket.on('message', (data) => {
      const frame = JSON.parse(data.toString());
      if (this.#over) return;
      if (frame.message_type !== undefined) onEnvelope(frame);
      else if (frame.type === 'accepted') for (const receipt of frame.receipts) this.#accepted(receipt);
      else if (frame.type === 'rejected') this.#rejected(frame);
    });
    this.#socket.on('close', () => this.#idle());
  }

  /** @returns {Promise<void>} */
  open() {
    return new Promise((resolve, reject) => {
      this.#socket.once('open', resolve);
      this.#socket.once('close', () => reject(new Error(`${this.#connection} was not opened`)));
    });
  }

  /** Resolves when every sending has its answer, or never will. @returns {Promise<void>} */
  async answered() {
    while (this.#unanswered > 0 && this.#isOpen)
      await new Promise((resolve) => (this.#idle = () => resolve(undefined)));
    if (!this.#isOpen) throw new Error(`${this.#connection} is closed`);
  }

  /** @returns {Promise<void>} */
  closed() {
    return new Promise((resolve) => {
      if (this.#isOpen) this.#socket.once('close', () => resolve());
      else resolve();
    });
  }

  /** @param {Envelope} envelope @param {string[]} [settles] What this reply acks beside. */
  send(envelope, settles) {
    if (!this.#isOpen || this.#over) return;
    const attempt = this.#recorder.sending(envelope, this.#connection);
    if (settles) this.#history.record({ kind: 'ack', ids: settles, agent: this.#agentId });
    const { message_id: id } = envelope;
    const sendings = this.#sendings.get(id) ?? [];
    sendings.push({ envelope, attempt, settlements: this.#settlementCount });
    this.#sendings.set(id, sendings);
    this.#unanswered++;
    this.#socket.send(JSON.stringify(envelope));
  }

  /** @param {string[]} ids */
  ack(ids) {
    if (ids.length === 0 || !this.#isOpen || this.#over) return;
    const about = { ids, agent: this.#agentId };
    this.#history.record({ kind: 'ack', ...about });
    this.#settle({ kind: 'acked', ...about });
    this.#socket.send(JSON.stringify({ type: 'ack', message_ids: ids }));
  }

  /** @param {string} id @param {boolean} giveUp @param {string} later */
  nack(id, giveUp, later) {
    if (!this.#isOpen || this.#over) return;
    const about = { id, agent: this.#agentId, giveUp };
    this.#history.record({ kind: 'nack', ...about });
    this.#settle({ kind: 'nacked', ...about });
    const how = giveUp ? { requeue: false, reason: 'not wanted' } : { delay: later };
    this.#socket.send(JSON.stringify({ type: 'nack', message_id: id, ...how }));
  }

  /** Nothing is heard of any more. @returns {Envelope[]} what was sent and not answered */
  close() {
    this.#over = true;
    this.#socket.terminate();
    const unanswered = [...this.#sendings.values()].flat();
    for (const { envelope, attempt } of unanswered) this.#recorder.answered(envelope.message_id, attempt, undefined);
    for (const { event } of this.#settlements) this.#history.record({ ...event, result: 'unknown' });
    return [...new Set(unanswered.map(({ envelope }) => envelope))];
  }

  get #isOpen() {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** @param {any} event */
  #settle(event) {
    this.#settlements.push({ number: this.#settlementCount++, event });
  }

  /** @param {any} receipt */
  #accepted(receipt) {
    const sending = this.#take(receipt.message_id);
    if (!sending) throw new Error(`a receipt for ${receipt.message_id}, which waits for none`);
    this.#recorder.answered(receipt.message_id, sending.attempt, receipt);
    // Refusals of the same turn may be written after the receipts.
    setImmediate(() => this.#confirm(sending.settlements));
  }

  /** Commits are made in the order of the frames: with the receipt, what was settled before it is flushed. @param {number} count */
  #confirm(count) {
    if (this.#over) return;
    while (this.#settlements[0] && this.#settlements[0].number < count) {
      this.#history.record({ ...this.#settlements.shift()?.event, result: 'ok' });
    }
  }

  /** @param {any} refusal */
  #rejected(refusal) {
    const { message_id: id, code } = refusal;
    const sending = this.#take(id);
    if (sending) {
      this.#recorder.answered(id, sending.attempt, { success: false, code });
      this.refused = true;
      return;
    }
    const index = this.#settlements.findIndex(({ event }) => event.id === id || event.ids?.includes(id));
    const [refused] = index < 0 ? [] : this.#settlements.splice(index, 1);
    if (refused) this.#history.record({ ...refused.event, result: 'err', code });
  }

  /** Answers to one id come in the order of its sendings. @param {string} id */
  #take(id) {
    const sendings = this.#sendings.get(id);
    const sending = sendings?.shift();
    if (!sending) return undefined;
    if (sendings?.length === 0) this.#sendings.delete(id);
    if (--this.#unanswered === 0) this.#idle();
    return sending;
  }
}
