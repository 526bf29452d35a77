// Messages among all agents of a fleet: at an even pace or all at once, each accepted and delivered once, to whom it was for.
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { counterDigits, createEnvelope, idOf } from '../bench/envelopes.mjs';
import { Ledger } from '../bench/ledger.mjs';
import { agentId } from './fleet.mjs';

const drainMs = 60_000;

export class Traffic {
  #run;
  #agents;
  #timestamp = new Date().toISOString();
  #ledger;

  /** @param {string} run Part of every message id. @param {number} agents @param {number} messages At most. */
  constructor(run, agents, messages) {
    this.#run = run;
    this.#agents = agents;
    this.#ledger = new Ledger(messages, true);
    this.#ledger.sample(true);
  }

  /** @param {string} id */
  accepted(id) {
    this.#ledger.accept(Number(id.slice(-counterDigits)));
  }

  /** @param {number} agent @param {{ message_id: string, metadata: { bus?: object } }} envelope */
  delivered(agent, envelope) {
    const counter = Number(envelope.message_id.slice(-counterDigits));
    const expected = this.#envelope(counter);
    // The stamp is what the bus says, and not the sender.
    const { bus: _, ...metadata } = envelope.metadata;
    if (!isDeepStrictEqual({ ...envelope, metadata }, expected) || expected.recipient.agent_id !== agentId(agent)) {
      throw new Error(`${agentId(agent)} got what was never sent to it: ${JSON.stringify(envelope)}`);
    }
    this.#ledger.deliver(counter, performance.now());
    this.#ledger.acked++;
  }

  /**
   * Sends `count` messages, the agents in turn.
   * @param {import('./fleet.mjs').Fleet} fleet @param {number} count @param {number} perSecond Infinity for all at once.
   * @returns the latencies from sending to arrival and how long the whole took, in milliseconds
   */
  async send(fleet, count, perSecond) {
    const started = performance.now();
    const ledger = this.#ledger;
    while (ledger.sent < count) {
      const due = Math.min(count, Math.ceil(((performance.now() - started) / 1000) * perSecond) || count);
      while (ledger.sent < due) {
        const counter = ledger.send(performance.now());
        fleet.send(counter % this.#agents, Buffer.from(JSON.stringify(this.#envelope(counter))));
      }
      if (ledger.sent < count) await delay(1);
    }
    while (ledger.outstanding > 0 && performance.now() - started < drainMs) {
      fleet.check();
      await delay(5);
    }
    const tookMs = performance.now() - started;
    ledger.assertExact(true);
    return { ...ledger.latency(), tookMs };
  }

  /** @param {number} counter */
  #envelope(counter) {
    const sender = counter % this.#agents;
    const recipient = (sender + Math.ceil(this.#agents / 2)) % this.#agents;
    const names = { sender: agentId(sender), recipient: agentId(recipient) };
    const envelope = createEnvelope({ run: this.#run, ...names, timestamp: this.#timestamp });
    return { ...envelope, message_id: idOf(this.#run, counter) };
  }
}
