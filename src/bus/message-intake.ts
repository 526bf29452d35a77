// Takes envelopes in: who sends, which session and task it belongs to, whose mailbox; then stores and answers.
import { completeEnvelope } from '../core/delivery/envelope.ts';
import type { Clock } from '../ports/clock.ts';
import type { Enqueued, LedgerEntry, MailboxStore } from '../ports/mailbox-store.ts';
import { formatDuration, parseDuration } from '../protocol/durations.ts';
import { BusError } from '../protocol/errors.ts';
import { newId } from '../protocol/ids.ts';
import type { CompleteEnvelope, Envelope, Receipt, TaskRef } from '../protocol/types.gen.ts';
import { type Addressing, unknownRecipient } from './addressing.ts';
import type { AgentDirectory } from './agents.ts';
import type { Counters } from './counters.ts';
import type { Heartbeats } from './heartbeats.ts';
import type { Principal } from './identity.ts';
import { assertMaySend, encode, factsOf } from './incoming.ts';
import { Receipts } from './receipts.ts';
import type { ClaimedReply, Replies } from './replies.ts';
import type { SessionManager } from './session-manager.ts';

export interface MessageDeps {
  mailboxes: MailboxStore;
  agents: AgentDirectory;
  addressing: Addressing;
  sessions: SessionManager;
  replies: Replies;
  heartbeats: Heartbeats;
  counters: Counters;
  clock: Clock;
  /** Milliseconds: `routing.timeout` where an envelope names none. */
  messageTimeoutMs: number;
  /** Told of what was acked by an answer. */
  settled: (agentId: string, messageIds: readonly string[]) => void;
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

/** A message on its way in. */
interface Accepting {
  sent: Envelope;
  envelope: CompleteEnvelope;
  bytes: Buffer;
  /** Milliseconds since the epoch. */
  now: number;
}

export class MessageIntake {
  readonly #deps: MessageDeps;
  readonly #receipts: Receipts;
  readonly #timeout: string;
  #closed = false;

  constructor(deps: MessageDeps) {
    this.#deps = deps;
    this.#receipts = new Receipts(deps.agents, deps.mailboxes);
    this.#timeout = formatDuration(deps.messageTimeoutMs);
  }

  /** Nothing is accepted from now on. */
  close(): void {
    this.#closed = true;
  }

  /**
   * Resolves with the receipt when the envelope is durable; with `delivery_mode: sync`, when it was answered.
   * @throws BusError SENDER_FORBIDDEN, AGENT_NOT_FOUND, MESSAGE_ID_CONFLICT, SHUTTING_DOWN, STORE_FAILED, REPLY_TIMEOUT
   * and, for a session, SESSION_NOT_FOUND, SESSION_ENDED, NOT_A_PARTICIPANT, UNKNOWN_STEP, STEP_NOT_OPEN, TASK_EXISTS.
   */
  async send({ envelope: sent, raw, principal, signal }: Sending): Promise<Receipt> {
    const { agents, clock, counters, heartbeats } = this.#deps;
    try {
      if (this.#closed) throw new BusError('SHUTTING_DOWN', 'The bus is stopping; send again when it is back.');
      assertMaySend(principal, sent.sender.agent_id);
      const now = clock.now();
      const { envelope, filled } = completeEnvelope(sent, {
        messageId: sent.message_id ?? newId('msg'),
        timestamp: sent.timestamp ?? new Date(now).toISOString(),
        timeout: this.#timeout,
      });
      agents.seen(envelope.sender.agent_id);
      const accepting: Accepting = { sent, envelope, bytes: filled || !raw ? encode(envelope) : raw, now };
      if (envelope.message_type === 'heartbeat') return heartbeats.forward(envelope, accepting.bytes);
      if (envelope.message_type === 'task_request' && envelope.routing.delivery_mode === 'sync') {
        return await this.#sendAndWait(accepting, signal);
      }
      return await this.#accept(accepting);
    } catch (error) {
      counters.refused++;
      throw error;
    }
  }

  async #sendAndWait(accepting: Accepting, signal: AbortSignal | undefined): Promise<Receipt> {
    const reply = this.#deps.replies.expect(accepting.envelope, accepting.now, signal);
    try {
      const receipt = await this.#accept(accepting);
      reply.routedTo(receipt.recipient.agent_id);
      return { ...receipt, reply: await reply.answer };
    } finally {
      reply.forget();
    }
  }

  async #accept(accepting: Accepting): Promise<Receipt> {
    const { sent, envelope, bytes, now } = accepting;
    const { mailboxes, addressing, counters } = this.#deps;
    const { session_id: sessionId } = envelope.sender;
    if (sessionId !== undefined && mailboxes.knows(envelope.message_id)) {
      // A repeat gets its first receipt whatever became of the session meanwhile.
      const known = await mailboxes.find(envelope.message_id);
      if (known) return this.#repeatInSession(accepting, sessionId, known);
    }
    const route = addressing.find(envelope);
    if (!route) return this.#repeatOfUnknown(accepting);
    mailboxes.assertRoom(route.agentId, bytes.length);
    const deadline = now + parseDuration(envelope.routing.timeout);
    const task = sessionId === undefined ? undefined : this.#record(envelope, sessionId, route.agentId, deadline, now);
    const request = this.#requestAnsweredBy(envelope, task);
    const waiting = this.#deps.replies.claim(envelope, request);
    const { max_retries: maxRetries, backoff } = envelope.routing.retry_policy;
    const storing = mailboxes.enqueue({
      messageId: envelope.message_id,
      mailbox: waiting?.mailbox ?? route.agentId,
      priority: envelope.priority,
      acceptedAt: now,
      deadline,
      retry: { maxRetries, backoff },
      facts: factsOf(envelope, route, task),
      bytes,
    });
    const enqueued = sessionId || waiting ? await this.#stored(storing, sessionId, waiting) : await storing;
    if (enqueued.outcome === 'known') return this.#ofKnown(sent, enqueued.entry);
    counters.accepted++;
    if (waiting) await waiting.deliver(envelope);
    if (request !== undefined) this.#settle(envelope.sender.agent_id, request);
    const status = enqueued.status === 'queued' ? 'queued' : 'offered';
    return this.#receipts.first(envelope.message_id, route.agentId, status, route.routedBy, task);
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

  /** A repeat gets its first receipt also where its recipient was removed meanwhile. @throws BusError AGENT_NOT_FOUND */
  async #repeatOfUnknown({ sent, envelope }: Accepting): Promise<Receipt> {
    const known = await this.#deps.mailboxes.find(envelope.message_id);
    if (known) return this.#ofKnown(sent, known);
    throw unknownRecipient(envelope.recipient);
  }

  /** A crash may have come between the message and its session's events: recording them again is the cure, or nothing. */
  async #repeatInSession({ sent, envelope }: Accepting, sessionId: string, known: LedgerEntry): Promise<Receipt> {
    const receipt = this.#ofKnown(sent, known);
    try {
      this.#record(envelope, sessionId, receipt.recipient.agent_id, known.deadline, known.acceptedAt);
      await this.#deps.sessions.settled(sessionId);
    } catch (error) {
      // The session has moved on since: the repeat changes nothing.
      if (!(error instanceof BusError) || error.code === 'STORE_FAILED') throw error;
    }
    return receipt;
  }

  #record(
    envelope: CompleteEnvelope,
    sessionId: string,
    recipient: string,
    deadline: number,
    at: number,
  ): TaskRef | undefined {
    const { message_id, message_type, sender, priority, payload, metadata } = envelope;
    return this.#deps.sessions.recordMessage({
      message_id,
      message_type,
      sender: sender.agent_id,
      recipient,
      session_id: sessionId,
      priority,
      payload,
      ...(metadata && { metadata }),
      deadline,
      at,
    });
  }

  #ofKnown(sent: Envelope, known: LedgerEntry): Receipt {
    const receipt = this.#receipts.repeated(sent, known);
    this.#deps.counters.duplicates++;
    return receipt;
  }

  /** The request that an answer answers: the one it names, else the one of the task it moved. */
  #requestAnsweredBy(
    { message_type, metadata, sender }: CompleteEnvelope,
    task: TaskRef | undefined,
  ): string | undefined {
    if (message_type !== 'task_response' && message_type !== 'error') return undefined;
    if (metadata?.in_reply_to !== undefined) return metadata.in_reply_to;
    if (!task) return undefined;
    return this.#deps.sessions.getTaskDelegation(task.task_id, sender.session_id)?.message_id ?? undefined;
  }

  /** An answer is the ack as well. */
  #settle(agentId: string, request: string): void {
    const { mailboxes, counters, settled } = this.#deps;
    mailboxes.ack(agentId, [request]).then(
      ([status]) => {
        if (status !== 'acknowledged') return;
        counters.acknowledged++;
        settled(agentId, [request]);
      },
      // A store that failed has said so itself; the message will be offered again.
      () => undefined,
    );
  }
}
