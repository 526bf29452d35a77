// An agent's own mailbox: pull or wait for mail, ack, nack, extend.
import { waitsNoLonger } from '../core/abort/waits-no-longer.ts';
import type { Clock } from '../ports/clock.ts';
import type { MailboxStore, Offer, Rejection } from '../ports/mailbox-store.ts';
import { BusError } from '../protocol/errors.ts';
import type { NewId } from '../protocol/ids.ts';
import type { MessageStatus } from '../protocol/types.gen.ts';
import type { AgentDirectory } from './agents.ts';
import type { Counters } from './counters.ts';
import type { Dispatcher, Receiver } from './dispatcher.ts';

export interface MailboxAccessDeps {
  mailboxes: MailboxStore;
  agents: AgentDirectory;
  dispatcher: Dispatcher;
  counters: Counters;
  clock: Clock;
  newId: NewId;
  /** Milliseconds an offer is held where the taker names no lease. */
  ackTimeoutMs: number;
  /** Told of what was acked beside the socket that has it. */
  settled: (agentId: string, messageIds: readonly string[]) => void;
}

export interface Pull {
  max: number;
  /** Milliseconds to wait for the first message; 0 does not wait. */
  waitMs: number;
  leaseMs?: number;
}

export class MailboxAccess {
  readonly #deps: MailboxAccessDeps;
  /** How to end the pulls that wait, by agent. */
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(deps: MailboxAccessDeps) {
    this.#deps = deps;
  }

  /**
   * Offers that are there, or the first ones to come. Where it was aborted it takes nothing, unless the caller just waits no
   * longer. @throws BusError AGENT_NOT_FOUND
   */
  async pull(agentId: string, { max, waitMs, leaseMs }: Pull, signal: AbortSignal): Promise<Offer[]> {
    const { agents, mailboxes, ackTimeoutMs, counters, newId } = this.#deps;
    agents.get(agentId);
    const consumer = { agentId, door: 'http' as const, connectionId: newId('conn'), leaseMs: leaseMs ?? ackTimeoutMs };
    const gone = agents.arrive(agentId, 'pulls');
    try {
      const there = await mailboxes.take(agentId, max, consumer.leaseMs, consumer);
      const offers = there.length > 0 || waitMs === 0 ? there : await this.#wait(consumer, max, waitMs, signal);
      if (signal.aborted && signal.reason !== waitsNoLonger) {
        mailboxes.release(consumer.connectionId);
        return [];
      }
      counters.offered += offers.length;
      return offers;
    } finally {
      gone();
    }
  }

  /** The agent is gone: what comes under its name is not for those who wait now. */
  endPulls(agentId: string): void {
    for (const end of this.#waiting.get(agentId) ?? []) end();
  }

  #wait(
    consumer: Omit<Receiver, 'room' | 'deliver'>,
    max: number,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<Offer[]> {
    const { dispatcher, clock } = this.#deps;
    return new Promise((resolve) => {
      let waiting = true;
      const end = (offers: Offer[]) => {
        if (!waiting) return;
        waiting = false;
        cancel();
        signal.removeEventListener('abort', onAbort);
        dispatcher.leave(receiver);
        waits.delete(onAbort);
        if (waits.size === 0 && this.#waiting.get(consumer.agentId) === waits) this.#waiting.delete(consumer.agentId);
        resolve(offers);
      };
      const receiver: Receiver = { ...consumer, room: () => (waiting ? max : 0), deliver: end };
      const onAbort = () => end([]);
      const waits = this.#waiting.get(consumer.agentId) ?? new Set();
      this.#waiting.set(consumer.agentId, waits.add(onAbort));
      const cancel = clock.schedule(waitMs, () => end([]));
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) end([]);
      else dispatcher.add(receiver);
    });
  }

  /** @throws BusError MESSAGE_NOT_FOUND, NOT_OFFERED, MESSAGE_SETTLED */
  async ack(agentId: string, messageId: string): Promise<MessageStatus> {
    const [refusal] = await this.ackAll(agentId, [messageId]);
    if (refusal) throw refusal.error;
    this.#deps.settled(agentId, [messageId]);
    return 'acknowledged';
  }

  /** Settles many at once; what could not be settled comes back with its reason, as for `ack`. */
  async ackAll(agentId: string, messageIds: readonly string[]): Promise<{ messageId: string; error: BusError }[]> {
    const statuses = await this.#deps.mailboxes.ack(agentId, messageIds);
    const refused = messageIds.filter((_id, index) => statuses[index] !== 'acknowledged');
    this.#deps.counters.acknowledged += messageIds.length - refused.length;
    if (refused.length === 0) return [];
    return Promise.all(
      refused.map(async (messageId) => ({ messageId, error: await this.#refusal(agentId, messageId) })),
    );
  }

  /** @throws BusError MESSAGE_NOT_FOUND, NOT_OFFERED, MESSAGE_SETTLED */
  async nack(agentId: string, messageId: string, rejection: Rejection): Promise<MessageStatus> {
    const status = await this.#deps.mailboxes.nack(agentId, messageId, rejection);
    if (status === undefined) throw await this.#refusal(agentId, messageId);
    this.#deps.counters.negativelyAcknowledged++;
    return status;
  }

  /** @throws BusError MESSAGE_NOT_FOUND, NOT_OFFERED, MESSAGE_SETTLED */
  async extend(agentId: string, messageId: string): Promise<void> {
    const { mailboxes, ackTimeoutMs } = this.#deps;
    if (!mailboxes.extend(agentId, messageId, ackTimeoutMs)) throw await this.#refusal(agentId, messageId);
  }

  /** Why a message of this mailbox could not be settled. */
  async #refusal(agentId: string, messageId: string): Promise<BusError> {
    const entry = await this.#deps.mailboxes.find(messageId).catch(asRefusal);
    if (entry instanceof BusError) return entry;
    if (entry?.mailbox !== agentId) {
      return new BusError('MESSAGE_NOT_FOUND', `There is no message ${messageId} in the mailbox of ${agentId}.`);
    }
    if (entry.status === 'dead' || entry.status === 'acknowledged') {
      return new BusError(
        'MESSAGE_SETTLED',
        `Message ${messageId} is settled already: ${entry.reason ?? entry.status}.`,
      );
    }
    return new BusError('NOT_OFFERED', `Message ${messageId} is not offered to ${agentId} right now; take it first.`);
  }
}

/** A message that cannot be read is refused like any other, beside those that can. @throws what is no BusError */
function asRefusal(error: unknown): BusError {
  if (error instanceof BusError) return error;
  throw error;
}
