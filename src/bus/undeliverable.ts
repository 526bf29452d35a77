// What becomes of a message that has no attempt left: the next fallback, else a dead letter that is told of.
import type { Clock } from '../ports/clock.ts';
import type { LedgerEntry, MailboxStore } from '../ports/mailbox-store.ts';
import { formatDuration } from '../protocol/durations.ts';
import { busAgentId, frameworkOf, newId } from '../protocol/ids.ts';
import type { CompleteEnvelope, JsonObject, MessageType } from '../protocol/types.gen.ts';
import type { Addressing } from './addressing.ts';
import type { Counters } from './counters.ts';
import { agentOfMailbox } from './ledger-view.ts';
import type { Replies } from './replies.ts';
import type { SessionManager } from './session-manager.ts';

export interface UndeliverableDeps {
  mailboxes: MailboxStore;
  addressing: Addressing;
  sessions: SessionManager;
  replies: Replies;
  counters: Counters;
  clock: Clock;
  messageTimeoutMs: number;
}

export class Undeliverable {
  readonly #deps: UndeliverableDeps;

  constructor(deps: UndeliverableDeps) {
    this.#deps = deps;
  }

  /** The store holds the message until one of the two is done. */
  async decide(entry: LedgerEntry, reason: string): Promise<void> {
    const { mailboxes, addressing, counters, replies } = this.#deps;
    const { fallbacks = [], ...facts } = entry.facts;
    // What is expired or damaged helps nobody anywhere.
    const route = reason === 'expired' || reason === 'damaged' ? undefined : addressing.after(fallbacks, reason);
    if (route) {
      const rest = route.fallbacks.length > 0 ? { fallbacks: route.fallbacks } : {};
      const routedBy = route.routedBy === undefined ? {} : { routedBy: route.routedBy };
      // Before it is offered there: no answer may be faster.
      replies.rerouted(entry.messageId, route.agentId);
      if (await mailboxes.reroute(entry.messageId, route.agentId, { ...facts, ...routedBy, ...rest }))
        counters.rerouted++;
      return;
    }
    await this.bury(entry, reason);
  }

  /** Makes it a dead letter, ends its task, and tells the sender. */
  async bury(entry: LedgerEntry, reason: string): Promise<void> {
    const { mailboxes, counters, sessions } = this.#deps;
    if (!(await mailboxes.bury(entry.messageId, reason))) return;
    counters.deadLettered++;
    const { sessionId, sender } = entry.facts;
    if (sessionId !== undefined) sessions.messageDied(sessionId, entry.messageId, reason);
    await this.tell(sender, 'error', entry.messageId, {
      code: 'DELIVERY_FAILED',
      message_id: entry.messageId,
      recipient: agentOfMailbox(entry.mailbox),
      reason,
    });
  }

  /** An envelope from the bus itself; what it says is not told of again when it dies in turn. */
  async tell(agentId: string, messageType: MessageType, inReplyTo: string, payload: JsonObject): Promise<void> {
    if (agentId === busAgentId) return;
    const { mailboxes, clock, messageTimeoutMs } = this.#deps;
    const now = clock.now();
    const envelope: CompleteEnvelope = {
      message_id: newId('msg'),
      timestamp: new Date(now).toISOString(),
      sender: { agent_id: busAgentId, framework: frameworkOf(busAgentId) },
      recipient: { agent_id: agentId, framework: frameworkOf(agentId) },
      message_type: messageType,
      priority: 'high',
      payload,
      routing: {
        timeout: formatDuration(messageTimeoutMs),
        retry_policy: { max_retries: 3, backoff: 'exponential' },
        delivery_mode: 'async',
      },
      metadata: { in_reply_to: inReplyTo },
    };
    await mailboxes.enqueue({
      messageId: envelope.message_id,
      mailbox: agentId,
      priority: 'high',
      acceptedAt: now,
      deadline: now + messageTimeoutMs,
      retry: { maxRetries: 3, backoff: 'exponential' },
      facts: { sender: busAgentId, messageType },
      bytes: Buffer.from(JSON.stringify(envelope)),
    });
  }
}
