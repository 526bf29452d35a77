// An agent on a socket: sends in bursts, acks in groups, answers requests. A receipt confirms the acks sent before it.
import { setTimeout as delay } from 'node:timers/promises';
import { createWriter, fingerprintOf, httpReceivers } from './envelopes.mjs';
import { SendRecorder } from './sending.mjs';
import { SocketLink } from './socket-link.mjs';

/** @typedef {import('./envelopes.mjs').Envelope} Envelope */

const groupMs = 3;
/** The pause of a sender that was refused. */
const refusedMs = 20;

export class SocketAgent {
  #agentId;
  #sends;
  #history;
  #random;
  #writer;
  #recorder;
  /** Sent, and nobody knows whether it arrived. @type {Envelope[]} */
  #unsure = [];

  /**
   * @param {string} agentId @param {import('./history.mjs').History} history @param {import('./random.mjs').Random} random
   * @param {{ sends: boolean }} options Whether it writes on its own account, or only takes and answers.
   */
  constructor(agentId, history, random, { sends }) {
    this.#agentId = agentId;
    this.#sends = sends;
    this.#history = history;
    this.#random = random;
    this.#writer = createWriter(agentId, random);
    this.#recorder = new SendRecorder(history);
  }

  /** Sends and takes until the server is gone. @param {import('./fleet.mjs').Run} run */
  async work(run) {
    /** @type {Envelope[]} */
    let taken = [];
    const link = new SocketLink(run, this.#agentId, this.#history, this.#recorder, (envelope) => {
      this.#delivered(envelope);
      if (taken.push(envelope) > 1) return;
      setTimeout(() => {
        this.#settle(link, taken, run);
        taken = [];
      }, groupMs);
    });
    try {
      await link.open();
      for (const envelope of this.#unsure.splice(0)) if (this.#random.chance(0.8)) link.send(envelope);
      while (!run.over && this.#sends && !run.draining) {
        for (let count = this.#random.between(1, 12); count > 0; count--) this.#sendOne(link, run.session);
        await link.answered();
        if (this.#random.chance(0.5)) await delay(this.#random.between(0, 6));
        if (link.refused) await delay(refusedMs);
        link.refused = false;
      }
      await link.closed();
    } catch {
      // The server is gone; the next run goes on.
    } finally {
      this.#unsure.push(...link.close());
    }
  }

  /** @param {SocketLink} link @param {string | undefined} session */
  #sendOne(link, session) {
    const envelope = this.#writer.next(session);
    link.send(envelope);
    if (this.#random.chance(0.03)) link.send(envelope);
  }

  /** @param {Envelope} envelope */
  #delivered(envelope) {
    if (envelope.sender.agent_id.startsWith('bus://')) return;
    const hash = fingerprintOf(envelope);
    this.#history.record({ kind: 'delivery', id: envelope.message_id, agent: this.#agentId, door: 'websocket', hash });
  }

  /** @param {SocketLink} link @param {Envelope[]} taken @param {import('./fleet.mjs').Run} run */
  #settle(link, taken, run) {
    const acks = [];
    for (const envelope of taken) {
      const { message_id: id, sender, message_type } = envelope;
      const choice = run.draining ? 100 : this.#random.between(1, 100);
      if (choice <= 3) link.nack(id, choice === 1, `${this.#random.between(1, 200)}ms`);
      else acks.push(id);
      if (message_type !== 'task_request' || sender.session_id === undefined || choice <= 3) continue;
      const { agent_id: recipient, session_id: session } = sender;
      const answers = this.#random.chance(0.1) ? 2 : 1;
      for (let count = 0; count < answers; count++) {
        const metadata = { in_reply_to: id };
        link.send(this.#writer.write({ type: 'task_response', recipient, session, metadata }), [id]);
      }
    }
    link.ack(acks);
    if (run.draining || this.#sends || this.#random.chance(0.6)) return;
    link.send(this.#writer.write({ type: 'status_update', recipient: this.#random.pick(httpReceivers) }));
  }
}
