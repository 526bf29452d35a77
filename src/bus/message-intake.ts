// Takes envelopes in: who sends, how each travels, and which way it goes: to all of a session, straight on, or to a mailbox.
import { completeEnvelope } from '../core/delivery/envelope.ts';
import { defaultTimeout, timingOf } from '../core/delivery/timing.ts';
import { contactRefused } from '../core/guards/contact.ts';
import { hopAfter } from '../core/guards/hops.ts';
import { unknownSession } from '../core/session/state.ts';
import type { Clock } from '../ports/clock.ts';
import { formatDuration } from '../protocol/durations.ts';
import { BusError } from '../protocol/errors.ts';
import { busAgentId, type NewId } from '../protocol/ids.ts';
import type { AnyReceipt, CompleteEnvelope, Envelope, Receipt } from '../protocol/types.gen.ts';
import type { Broadcasts } from './broadcasts.ts';
import type { Heartbeats } from './heartbeats.ts';
import { authenticatedSender, type Principal } from './identity.ts';
import { type Accepting, assertMaySend, assertNoChatAsked } from './incoming.ts';
import { Posting, type PostingDeps } from './posting.ts';
import { countIn } from './rates.ts';
import { noReplyToCome } from './replies.ts';
import { type CreateStamp, stampedBytes } from './stamp.ts';
import { answered, type Taken } from './taken.ts';

export interface MessageDeps extends PostingDeps {
  heartbeats: Heartbeats;
  broadcasts: Broadcasts;
  stamps: CreateStamp;
  clock: Clock;
  newId: NewId;
  /** Milliseconds: `routing.timeout` where an envelope names none. */
  messageTimeoutMs: number;
}

export interface Sending {
  /** Valid by the schema. */
  envelope: Envelope;
  /** The bytes it was read from: they travel on where nothing had to be filled in. */
  raw?: Buffer | undefined;
  principal: Principal;
  /** Aborted when a sync sender no longer waits. */
  signal?: AbortSignal | undefined;
}

export class MessageIntake {
  readonly #deps: MessageDeps;
  readonly #broadcasts: Broadcasts;
  readonly #posting: Posting;
  readonly #timeout: string;
  #closed = false;

  constructor(deps: MessageDeps) {
    this.#deps = deps;
    this.#broadcasts = deps.broadcasts;
    this.#posting = new Posting(deps);
    this.#timeout = formatDuration(deps.messageTimeoutMs);
  }

  /** Nothing is accepted from now on. */
  close(): void {
    this.#closed = true;
  }

  /**
   * Resolves with the receipt when the envelope is durable; with `delivery_mode: sync`, when it was answered.
   * @throws BusError SENDER_FORBIDDEN, AGENT_NOT_FOUND, MESSAGE_ID_CONFLICT, SHUTTING_DOWN, STORE_FAILED, REPLY_TIMEOUT,
   * NO_REPLY, CONTACT_REFUSED, HOP_LIMIT, PAIR_RATE_LIMITED and, for a session, SESSION_NOT_FOUND, SESSION_ENDED, NOT_A_PARTICIPANT,
   * UNKNOWN_STEP, STEP_NOT_OPEN, TASK_EXISTS, SESSION_RATE_LIMITED, BUDGET_EXHAUSTED.
   */
  send(sending: Sending): Promise<AnyReceipt> {
    const now = this.#deps.clock.now();
    const { envelope, signal } = sending;
    const { message_id, sender, recipient } = envelope;
    // Not of the envelope itself: of what is on its way to the disk, as little as can be is kept in memory.
    const refuse = (error: unknown): never => {
      this.#deps.counters.refused++;
      this.#deps.guards.refused(error, { message_id, sender, recipient }, now);
      throw error;
    };
    try {
      const accepting = this.#read(sending, now);
      return waitsForAnswer(accepting.envelope)
        ? this.#request(accepting, signal).then((taken) => answered(taken, this.#deps.counters), refuse)
        : this.#take(accepting).catch(refuse);
    } catch (error) {
      return Promise.reject(error).catch(refuse);
    }
  }

  /** @throws BusError for what may not come in from this sender at all */
  #read({ envelope: sent, raw, principal }: Sending, now: number): Accepting {
    const { agents, newId, guards, stamps } = this.#deps;
    if (this.#closed) throw new BusError('SHUTTING_DOWN', 'The bus is stopping; send again when it is back.');
    assertMaySend(principal, sent.sender.agent_id, agents);
    const { envelope, filled } = completeEnvelope(sent, {
      messageId: sent.message_id ?? newId('msg'),
      timestamp: sent.timestamp ?? new Date(now).toISOString(),
      timeout:
        sent.routing?.deliver_after === undefined
          ? this.#timeout
          : defaultTimeout(sent.routing, this.#deps.messageTimeoutMs),
    });
    assertNoChatAsked(envelope);
    this.#assertOwnSession(principal, envelope.sender.session_id);
    agents.seen(envelope.sender.agent_id);
    const timing = timingOf(envelope.routing, now);
    const answered = guards.answered(sent);
    const stamp = stamps(authenticatedSender(principal), now, hopAfter(answered?.facts));
    const bytes = stampedBytes(envelope, stamp, filled ? undefined : raw);
    return { sent, envelope, bytes, isAsSent: !filled, stamp, answered, now, timing, userId: principal.userId };
  }

  /** Not an async function, nor is what it calls for most messages: the frame of each costs as much as a step of it. */
  #take(accepting: Accepting): Promise<AnyReceipt> {
    const { recipient, message_type } = accepting.envelope;
    if (recipient.session_id !== undefined) return this.#broadcasts.accept(accepting);
    if (message_type === 'heartbeat') return Promise.resolve(this.#forward(accepting));
    return this.#posting.post(accepting);
  }

  /** @throws BusError SESSION_NOT_FOUND for the session of another user, as for none */
  #assertOwnSession({ userId }: Principal, sessionId: string | undefined): void {
    if (userId === undefined || sessionId === undefined) return;
    if (this.#deps.sessions.userOf(sessionId) !== userId) throw unknownSession(sessionId);
  }

  #forward(accepting: Accepting): Receipt {
    const { guards, heartbeats, agents } = this.#deps;
    const { envelope, stamp, answered, now, userId } = accepting;
    const { sender, recipient } = envelope;
    const { agent_id: agentId = busAgentId } = recipient;
    if (agentId === busAgentId || !agents.isKnown(agentId, userId)) return heartbeats.forward(accepting);
    if (!guards.mayWriteTo(sender.agent_id, answered)(agentId)) throw contactRefused(sender.agent_id, agentId);
    const admission = guards.admit(envelope, stamp.bus.hop, [agentId], now);
    const receipt = heartbeats.forward(accepting);
    countIn(admission);
    return receipt;
  }

  async #request(accepting: Accepting, signal: AbortSignal | undefined): Promise<Taken> {
    const reply = this.#deps.replies.expect(accepting.envelope, accepting.now, signal);
    try {
      const receipt = await this.#posting.post({ ...accepting, routed: reply.routedTo });
      if (receipt.duplicate) {
        await this.#assertAlive(receipt.message_id);
        reply.routedTo(receipt.recipient.agent_id);
      }
      return { receipt, reply };
    } catch (error) {
      reply.forget();
      throw error;
    }
  }

  /** @throws BusError NO_REPLY for a repeat of what is a dead letter */
  async #assertAlive(messageId: string): Promise<void> {
    const known = await this.#deps.mailboxes.find(messageId);
    if (known?.status === 'dead') throw noReplyToCome(messageId, known.reason ?? known.status);
  }
}

function waitsForAnswer({ message_type, recipient, routing }: CompleteEnvelope): boolean {
  return message_type === 'task_request' && routing.delivery_mode === 'sync' && recipient.session_id === undefined;
}
