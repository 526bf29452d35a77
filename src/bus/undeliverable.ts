// What becomes of a message that has no attempt left: the next fallback, else a dead letter that is told of.
import { detourOf, withBus } from '../core/delivery/bus-metadata.ts';
import type { FallbackRoute } from '../core/delivery/route.ts';
import type { Clock } from '../ports/clock.ts';
import type { LedgerEntry, MailboxStore } from '../ports/mailbox-store.ts';
import { parseDuration } from '../protocol/durations.ts';
import type { CompleteEnvelope } from '../protocol/types.gen.ts';
import type { Addressing } from './addressing.ts';
import type { Counters } from './counters.ts';
import { encode } from './encode.ts';
import type { Guards } from './guards.ts';
import { envelopeOf } from './ledger-view.ts';
import type { CreateNotice } from './notices.ts';
import type { Replies } from './replies.ts';
import type { SessionManager } from './session-manager.ts';
import type { CreateStamp } from './stamp.ts';

export interface UndeliverableDeps {
  mailboxes: MailboxStore;
  addressing: Addressing;
  guards: Guards;
  sessions: SessionManager;
  replies: Replies;
  counters: Counters;
  clock: Clock;
  notices: CreateNotice;
  stamps: CreateStamp;
}

export class Undeliverable {
  readonly #deps: UndeliverableDeps;

  constructor(deps: UndeliverableDeps) {
    this.#deps = deps;
  }

  /** The store holds the message, and takes no ack, until one of the two is done: after a crash in between it asks again. */
  async decide(entry: LedgerEntry, reason: string): Promise<void> {
    const { addressing, guards } = this.#deps;
    const { sender, fallbacks = [] } = entry.facts;
    const route = addressing.after(fallbacks, reason, guards.mayWriteTo(sender));
    const envelope = envelopeOf(entry);
    // What is damaged helps nobody anywhere.
    if (route && envelope) await this.#passOn(entry, envelope, route, reason === 'expired');
    else await this.bury(entry, reason);
  }

  async #passOn(entry: LedgerEntry, envelope: CompleteEnvelope, route: FallbackRoute, anew: boolean): Promise<void> {
    const { mailboxes, clock, counters, replies, sessions, stamps } = this.#deps;
    const { agentId, routedBy, fallbacks } = route;
    const { fallbacks: _, ...facts } = entry.facts;
    const deadline = anew ? clock.now() + parseDuration(envelope.routing.timeout) : entry.deadline;
    const task = { delegatee: agentId, reason: routedBy, deadline, fallback_agents: fallbacks };
    // Before it is offered there, and durable: no answer may be faster, and none may find the task with another agent.
    replies.rerouted(entry.messageId, agentId, deadline);
    if (facts.sessionId !== undefined) await sessions.messageGoesOn(facts.sessionId, entry.messageId, task);
    const { sender, hop = 1 } = facts;
    const stamp = envelope.metadata?.bus ?? stamps(sender, entry.acceptedAt, hop).bus;
    const detour = {
      mailbox: agentId,
      facts: { ...facts, routedBy, ...(fallbacks.length > 0 && { fallbacks }) },
      bytes: encode(withBus(envelope, detourOf(envelope, stamp, routedBy))),
      deadline,
    };
    if (await mailboxes.reroute(entry.messageId, detour)) counters.rerouted++;
  }

  /** Ends its task, then makes it a dead letter and tells the sender in one commit. False where it was settled meanwhile. */
  async bury(entry: LedgerEntry, reason: string): Promise<boolean> {
    const { mailboxes, counters, notices, replies, sessions } = this.#deps;
    const { messageId, mailbox, facts } = entry;
    const { sessionId, sender, broadcastId } = facts;
    // In this order: after a crash in between the store reports the message again.
    if (sessionId !== undefined) await sessions.messageDied(sessionId, messageId, reason);
    const notice = notices(sender, 'error', entry, {
      code: 'DELIVERY_FAILED',
      message_id: messageId,
      ...(broadcastId !== undefined && { broadcast_id: broadcastId }),
      recipient: mailbox,
      reason,
    });
    if (!(await mailboxes.bury(messageId, reason, () => notice))) return false;
    counters.deadLettered++;
    // At that instant the wait is over as well: that tells its end itself.
    if (reason !== 'expired') replies.ended(messageId, reason);
    return true;
  }
}
