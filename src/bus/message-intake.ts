// Takes envelopes in: who sends, which session and task it belongs to, whose mailbox; then stores and answers.
import { completeEnvelope } from '../core/delivery/envelope.ts';
import type { Route } from '../core/delivery/route.ts';
import { isSameContent } from '../core/delivery/same-content.ts';
import type { Clock } from '../ports/clock.ts';
import type { Enqueued, LedgerEntry, MailboxStore, MessageFacts } from '../ports/mailbox-store.ts';
import { formatDuration, parseDuration } from '../protocol/durations.ts';
import { BusError } from '../protocol/errors.ts';
import { busAgentId, newId } from '../protocol/ids.ts';
import type { CompleteEnvelope, Envelope, Receipt, TaskRef } from '../protocol/types.gen.ts';
import type { Addressing } from './addressing.ts';
import type { AgentDirectory } from './agents.ts';
import type { Counters } from './counters.ts';
import type { Heartbeats } from './heartbeats.ts';
import type { Principal } from './identity.ts';
import type { Replies } from './replies.ts';
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
  readonly #timeout: string;
  #closed = false;

  constructor(deps: MessageDeps) {
    this.#deps = deps;
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
  async send(sending: Sending): Promise<Receipt> {
    try {
      const receipt = await this.#accept(sending);
      if (receipt.duplicate) this.#deps.counters.duplicates++;
      else this.#deps.counters.accepted++;
      return receipt;
    } catch (error) {
      this.#deps.counters.refused++;
      throw error;
    }
  }

  async #accept({ envelope: sent, raw, principal, signal }: Sending): Promise<Receipt> {
    const { agents, clock, heartbeats, replies } = this.#deps;
    if (this.#closed) throw new BusError('SHUTTING_DOWN', 'The bus is stopping; send again when it is back.');
    assertMaySend(principal, sent.sender.agent_id);
    const now = clock.now();
    const { envelope, filled } = completeEnvelope(sent, {
      messageId: sent.message_id ?? newId('msg'),
      timestamp: sent.timestamp ?? new Date(now).toISOString(),
      timeout: this.#timeout,
    });
    agents.seen(envelope.sender.agent_id);
    const bytes = filled || !raw ? encode(envelope) : raw;
    if (envelope.message_type === 'heartbeat') return heartbeats.forward(envelope, bytes);

    const sync = envelope.routing.delivery_mode === 'sync' && envelope.message_type === 'task_request';
    const reply = sync ? replies.expect(envelope, now, signal) : undefined;
    try {
      const receipt = await this.#store(sent, envelope, bytes, now);
      if (!reply) return receipt;
      return { ...receipt, reply: await reply.answer };
    } finally {
      reply?.forget();
    }
  }

  async #store(sent: Envelope, envelope: CompleteEnvelope, bytes: Buffer, now: number): Promise<Receipt> {
    const { mailboxes, addressing, sessions, replies } = this.#deps;
    const { session_id: sessionId } = envelope.sender;
    if (sessionId !== undefined) {
      // A repeat gets its first receipt whatever became of the session meanwhile.
      const known = await mailboxes.find(envelope.message_id);
      if (known) return this.#repeatInSession(sent, envelope, sessionId, known);
    }
    const route = addressing.route(envelope);
    mailboxes.assertRoom(route.agentId, bytes.length);
    const deadline = now + parseDuration(envelope.routing.timeout);
    const task = sessionId === undefined ? undefined : this.#record(envelope, sessionId, route.agentId, deadline, now);
    const answered = replies.claim(
      envelope,
      () => task && sessions.getTaskDelegation(task.task_id, sessionId)?.message_id,
    );
    const { max_retries: maxRetries, backoff } = envelope.routing.retry_policy;
    const storing = mailboxes.enqueue({
      messageId: envelope.message_id,
      mailbox: answered?.mailbox ?? route.agentId,
      priority: envelope.priority,
      acceptedAt: now,
      deadline,
      retry: { maxRetries, backoff },
      facts: factsOf(envelope, route, task),
      bytes,
    });
    // Both writes are in one commit.
    const [enqueued] =
      sessionId === undefined ? [await storing] : await Promise.all([storing, sessions.settled(sessionId)]);
    if (enqueued.outcome === 'known') return this.#receiptOfKnown(sent, enqueued);
    await answered?.deliver(envelope);
    this.#settleAnswered(envelope);
    return this.#receipt(
      envelope.message_id,
      route.agentId,
      enqueued.status === 'queued' ? 'queued' : 'offered',
      route.routedBy,
      task,
    );
  }

  /** A crash may have come between the message and its session's events: recording them again is the cure, or nothing. */
  async #repeatInSession(
    sent: Envelope,
    envelope: CompleteEnvelope,
    sessionId: string,
    known: LedgerEntry,
  ): Promise<Receipt> {
    const receipt = this.#receiptOfKnown(sent, { outcome: 'known', entry: known });
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

  /** An answer that names what it answers is the ack as well. */
  #settleAnswered({ message_type, metadata, sender }: CompleteEnvelope): void {
    if (metadata?.in_reply_to === undefined || (message_type !== 'task_response' && message_type !== 'error')) return;
    const { mailboxes, counters } = this.#deps;
    mailboxes.ack(sender.agent_id, [metadata.in_reply_to]).then(
      ([status]) => {
        if (status === 'acknowledged') counters.acknowledged++;
      },
      // A store that failed has said so itself; the message will be offered again.
      () => undefined,
    );
  }

  #receiptOfKnown(sent: Envelope, { entry }: Extract<Enqueued, { outcome: 'known' }>): Receipt {
    if (!isSameContent(JSON.parse(entry.bytes.toString('utf8')) as CompleteEnvelope, sent)) {
      throw new BusError(
        'MESSAGE_ID_CONFLICT',
        `The message id ${entry.messageId} belongs to another message; choose a new one.`,
      );
    }
    const status = entry.attempts.length > 0 ? 'offered' : 'queued';
    const { routedBy, task } = entry.facts;
    return {
      ...this.#receipt(entry.messageId, agentOfMailbox(entry.mailbox), status, routedBy, task),
      duplicate: true,
    };
  }

  #receipt(
    messageId: string,
    agentId: string,
    status: Receipt['status'],
    routedBy: string | undefined,
    task: TaskRef | undefined,
  ): Receipt {
    const { agents, mailboxes } = this.#deps;
    const receipt: Receipt = {
      success: true,
      message_id: messageId,
      status,
      recipient: {
        agent_id: agentId,
        online: agents.isOnline(agentId),
        queued: mailboxes.stats(agentId).queued,
        last_seen_at: agents.lastSeenAt(agentId),
      },
    };
    if (routedBy !== undefined) receipt.recipient.routed_by = routedBy;
    if (task !== undefined) receipt.task = task;
    return receipt;
  }
}

function assertMaySend(principal: Principal, sender: string): void {
  if (sender === busAgentId || (principal.kind === 'agent' && principal.agentId !== sender)) {
    throw new BusError(
      'SENDER_FORBIDDEN',
      `This key may not send as ${sender}; use that agent's own token or the bus key.`,
    );
  }
}

/** JSON may be nested deeper than the stack is. */
function encode(envelope: CompleteEnvelope): Buffer {
  try {
    return Buffer.from(JSON.stringify(envelope));
  } catch (cause) {
    throw new BusError('VALIDATION_FAILED', 'The envelope is nested too deeply.', { cause });
  }
}

function factsOf(
  { sender, message_type }: CompleteEnvelope,
  { routedBy, fallbacks }: Route,
  task: TaskRef | undefined,
): MessageFacts {
  const facts: MessageFacts = { sender: sender.agent_id, messageType: message_type };
  if (sender.session_id !== undefined) facts.sessionId = sender.session_id;
  if (task !== undefined) facts.task = task;
  if (routedBy !== undefined) facts.routedBy = routedBy;
  if (fallbacks.length > 0) facts.fallbacks = fallbacks;
  return facts;
}

/** A waiting sender's private mailbox is `<agent>#<request>`. */
export function agentOfMailbox(mailbox: string): string {
  const mark = mailbox.indexOf('#');
  return mark < 0 ? mailbox : mailbox.slice(0, mark);
}
