// Takes envelopes in: who sends, which session and task it belongs to, whose mailbox; then stores and answers.
import { detourOf, withBus } from '../core/delivery/bus-metadata.ts';
import { completeEnvelope } from '../core/delivery/envelope.ts';
import type { Route } from '../core/delivery/route.ts';
import { defaultTimeout, timingOf } from '../core/delivery/timing.ts';
import { contactRefused } from '../core/guards/contact.ts';
import { hopAfter } from '../core/guards/hops.ts';
import { unknownSession } from '../core/session/state.ts';
import type { Clock } from '../ports/clock.ts';
import type { Enqueued, MailboxStore } from '../ports/mailbox-store.ts';
import { formatDuration } from '../protocol/durations.ts';
import { BusError } from '../protocol/errors.ts';
import { busAgentId, type NewId } from '../protocol/ids.ts';
import type { AnyReceipt, Envelope, Receipt } from '../protocol/types.gen.ts';
import { type Addressing, unknownRecipient } from './addressing.ts';
import type { AgentDirectory } from './agents.ts';
import type { Answers } from './answers.ts';
import type { Broadcasts } from './broadcasts.ts';
import type { Counters } from './counters.ts';
import { encode } from './encode.ts';
import type { Guards } from './guards.ts';
import type { Heartbeats } from './heartbeats.ts';
import { authenticatedSender, type Principal } from './identity.ts';
import { type Accepting, assertMaySend, assertNoChatAsked, factsOf, sessionMessageOf } from './incoming.ts';
import { type Admission, countIn } from './rates.ts';
import type { Receipts } from './receipts.ts';
import { Repeats } from './repeats.ts';
import { type ClaimedReply, noReplyToCome, type Replies } from './replies.ts';
import type { SessionManager } from './session-manager.ts';
import { type CreateStamp, stampedBytes } from './stamp.ts';
import { answered, type Taken } from './taken.ts';

export interface MessageDeps {
  mailboxes: MailboxStore;
  agents: AgentDirectory;
  addressing: Addressing;
  sessions: SessionManager;
  replies: Replies;
  heartbeats: Heartbeats;
  receipts: Receipts;
  answers: Answers;
  broadcasts: Broadcasts;
  guards: Guards;
  stamps: CreateStamp;
  counters: Counters;
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
  readonly #receipts: Receipts;
  readonly #answers: Answers;
  readonly #broadcasts: Broadcasts;
  readonly #repeats: Repeats;
  readonly #timeout: string;
  #closed = false;

  constructor(deps: MessageDeps) {
    this.#deps = deps;
    this.#receipts = deps.receipts;
    this.#answers = deps.answers;
    this.#broadcasts = deps.broadcasts;
    this.#repeats = new Repeats(deps);
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
    return this.#take(sending).then((taken) => answered(taken, this.#deps.counters));
  }

  async #take({ envelope: sent, raw, principal, signal }: Sending): Promise<Taken> {
    const { agents, clock, newId, counters, guards, stamps } = this.#deps;
    const now = clock.now();
    try {
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
      const accepting: Accepting = { sent, envelope, bytes, stamp, answered, now, timing, userId: principal.userId };
      if (envelope.recipient.session_id !== undefined) {
        return { receipt: await this.#broadcasts.accept(accepting) };
      }
      if (envelope.message_type === 'heartbeat') return { receipt: this.#forward(accepting) };
      if (envelope.message_type === 'task_request' && envelope.routing.delivery_mode === 'sync') {
        return await this.#acceptRequest(accepting, signal);
      }
      return { receipt: await this.#accept(accepting) };
    } catch (error) {
      counters.refused++;
      guards.refused(error, sent, now);
      throw error;
    }
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

  async #acceptRequest(accepting: Accepting, signal: AbortSignal | undefined): Promise<Taken> {
    const reply = this.#deps.replies.expect(accepting.envelope, accepting.now, signal);
    try {
      const receipt = await this.#accept(accepting);
      if (receipt.duplicate) await this.#assertAlive(receipt.message_id);
      reply.routedTo(receipt.recipient.agent_id);
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

  async #accept(accepting: Accepting): Promise<Receipt> {
    const { sent, envelope, stamp, now, timing, userId } = accepting;
    const { mailboxes, counters, sessions, agents, guards } = this.#deps;
    const { session_id: sessionId } = envelope.sender;
    if (sessionId !== undefined && mailboxes.knows(envelope.message_id)) {
      // A repeat gets its first receipt whatever became of the session meanwhile.
      const known = await mailboxes.find(envelope.message_id);
      if (known) return this.#repeats.inSession(accepting, sessionId, known);
    }
    let route: Route;
    let admission: Admission;
    try {
      route = this.#routeOf(accepting);
      admission = guards.admit(envelope, stamp.bus.hop, [route.agentId], now);
    } catch (refusal) {
      return this.#repeats.receiptOr(refusal, accepting);
    }
    const bus = route.isFallback ? detourOf(envelope, stamp.bus, route.routedBy) : stamp.bus;
    const bytes = route.isFallback ? encode(withBus(envelope, bus)) : accepting.bytes;
    // Before the session records what is then not taken; whatever has no session may be a repeat, which needs no room.
    if (sessionId !== undefined) mailboxes.assertRoom(route.agentId, bytes.length);
    if (userId !== undefined) for (const one of [route.agentId, ...route.fallbacks]) agents.claim(one, userId);
    const { deadline } = timing;
    const message = sessionId && sessionMessageOf(envelope, sessionId, route, deadline, now);
    const task = message ? sessions.recordMessage(message) : undefined;
    countIn(admission);
    const request = this.#answers.requestOf(envelope, task);
    const waiting = this.#deps.replies.claim(envelope, request);
    const { max_retries: maxRetries, backoff } = envelope.routing.retry_policy;
    const storing = mailboxes.enqueue({
      messageId: envelope.message_id,
      mailbox: waiting?.mailbox ?? route.agentId,
      ...(waiting && { lease: waiting.lease }),
      priority: envelope.priority,
      acceptedAt: now,
      ...timing,
      retry: { maxRetries, backoff },
      facts: factsOf(envelope, route, task, stamp),
      bytes,
    });
    const enqueued = sessionId || waiting ? await this.#stored(storing, sessionId, waiting) : await storing;
    if (enqueued.outcome === 'known') return this.#repeats.receipt(sent, enqueued.entry);
    counters.accepted++;
    if (waiting) await waiting.deliver(withBus(envelope, bus));
    if (request !== undefined) void this.#answers.settle(envelope.sender.agent_id, request);
    const status = enqueued.status === 'queued' ? 'queued' : 'offered';
    return this.#receipts.first(envelope.message_id, route.agentId, {
      status,
      routedBy: route.routedBy,
      task,
      deliverAt: timing.deliverAt,
    });
  }

  /** Whoever waits for an answer that was not taken goes on waiting. */
  async #stored(
    storing: Promise<Enqueued>,
    sessionId: string | undefined,
    waiting: ClaimedReply | undefined,
  ): Promise<Enqueued> {
    let isTaken = false;
    try {
      const [enqueued] = await Promise.all([storing, sessionId && this.#deps.sessions.settled(sessionId)]);
      isTaken = enqueued.outcome === 'stored';
      return enqueued;
    } finally {
      if (!isTaken) waiting?.release();
    }
  }

  /** @throws BusError AGENT_NOT_FOUND, CONTACT_REFUSED */
  #routeOf({ envelope, answered, userId }: Accepting): Route {
    const { addressing, guards } = this.#deps;
    const route = addressing.find(envelope, userId, guards.mayWriteTo(envelope.sender.agent_id, answered));
    if (!route) throw unknownRecipient(envelope.recipient);
    return route;
  }
}
