// Posts one envelope to one mailbox: which agent's, past the guards, known to its session, stored, and a receipt for it.
import { detourOf, withBus, withoutBus } from '../core/delivery/bus-metadata.ts';
import type { Route } from '../core/delivery/route.ts';
import type { Enqueued, MailboxStore, NewMessage } from '../ports/mailbox-store.ts';
import type { BusMetadata, CompleteEnvelope, Envelope, Receipt, TaskRef } from '../protocol/types.gen.ts';
import { type Addressing, unknownRecipient } from './addressing.ts';
import type { AgentDirectory } from './agents.ts';
import type { Answers } from './answers.ts';
import type { Counters } from './counters.ts';
import { encode } from './encode.ts';
import type { Guards } from './guards.ts';
import { type Accepting, factsOf, sessionMessageOf } from './incoming.ts';
import { type Admission, countIn } from './rates.ts';
import type { Receipts } from './receipts.ts';
import { Repeats } from './repeats.ts';
import type { ClaimedReply, Replies } from './replies.ts';
import type { SessionManager } from './session-manager.ts';

export interface PostingDeps {
  mailboxes: MailboxStore;
  agents: AgentDirectory;
  addressing: Addressing;
  sessions: SessionManager;
  replies: Replies;
  receipts: Receipts;
  answers: Answers;
  guards: Guards;
  counters: Counters;
}

/** What is on its way to the disk; not its envelope, for thousands may be. */
interface Posted {
  messageId: string;
  sender: string;
  route: Route;
  task: TaskRef | undefined;
  /** The message id of the request that this answers. */
  request: string | undefined;
  /** Milliseconds since the epoch. */
  deliverAt: number | undefined;
  bytes: Buffer;
  /** What its sender said, where the bytes do not say just that. */
  sent: Envelope | undefined;
}

export class Posting {
  readonly #deps: PostingDeps;
  readonly #repeats: Repeats;

  constructor(deps: PostingDeps) {
    this.#deps = deps;
    this.#repeats = new Repeats(deps);
  }

  /**
   * Resolves when the envelope is durable. Everything but that happens in this turn, and what is refused in it is thrown.
   * @throws BusError, here or as a rejection, as `MessageIntake.send`
   */
  post(accepting: Accepting): Promise<Receipt> {
    const { message_id: messageId, sender } = accepting.envelope;
    const { session_id: sessionId } = sender;
    const mayBeRepeat = sessionId !== undefined && this.#deps.mailboxes.knows(messageId);
    return mayBeRepeat ? this.#postAgain(accepting, sessionId) : this.#postNew(accepting);
  }

  /** A repeat gets its first receipt whatever became of the session meanwhile. */
  async #postAgain(accepting: Accepting, sessionId: string): Promise<Receipt> {
    const known = await this.#deps.mailboxes.find(accepting.envelope.message_id);
    return known ? this.#repeats.inSession(accepting, sessionId, known) : this.#postNew(accepting);
  }

  #postNew(accepting: Accepting): Promise<Receipt> {
    const { envelope, stamp, now, timing, userId } = accepting;
    const { mailboxes, sessions, agents, guards, replies, answers } = this.#deps;
    const { session_id: sessionId } = envelope.sender;
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
    const told = sessionId && sessionMessageOf(envelope, sessionId, route, timing.deadline, now);
    const task = told ? sessions.recordMessage(told) : undefined;
    countIn(admission);
    const request = answers.requestOf(envelope, task);
    const waiting = replies.claim(envelope, request);
    const facts = factsOf(envelope, route, task, stamp);
    const message = newMessageOf(accepting, { mailbox: waiting?.mailbox ?? route.agentId, facts, bytes });
    if (waiting) message.lease = waiting.lease;
    accepting.routed?.(route.agentId);
    const storing = mailboxes.enqueue(message);
    const posted: Posted = {
      messageId: envelope.message_id,
      sender: envelope.sender.agent_id,
      route,
      task,
      request,
      deliverAt: timing.deliverAt,
      bytes: accepting.bytes,
      sent: accepting.isAsSent ? undefined : accepting.sent,
    };
    if (sessionId !== undefined || waiting) return this.#whenAllIsStored(posted, storing, { envelope, bus, waiting });
    return storing.then((enqueued) => this.#receiptOf(posted, enqueued));
  }

  /** Whoever waits for an answer that was not taken goes on waiting. */
  async #whenAllIsStored(
    posted: Posted,
    storing: Promise<Enqueued>,
    { envelope, bus, waiting }: { envelope: CompleteEnvelope; bus: BusMetadata; waiting: ClaimedReply | undefined },
  ): Promise<Receipt> {
    const { session_id: sessionId } = envelope.sender;
    let isTaken = false;
    let enqueued: Enqueued;
    try {
      [enqueued] = await Promise.all([storing, sessionId && this.#deps.sessions.settled(sessionId)]);
      isTaken = enqueued.outcome === 'stored';
    } finally {
      if (!isTaken) waiting?.release();
    }
    if (isTaken) await waiting?.deliver(withBus(envelope, bus));
    return this.#receiptOf(posted, enqueued);
  }

  #receiptOf(posted: Posted, enqueued: Enqueued): Receipt {
    const { messageId, sender, route, task, request, deliverAt } = posted;
    const { answers, counters, receipts } = this.#deps;
    if (enqueued.outcome === 'known') return this.#repeats.receipt(posted.sent ?? sentIn(posted.bytes), enqueued.entry);
    counters.accepted++;
    if (request !== undefined) void answers.settle(sender, request);
    const status = enqueued.status === 'queued' ? 'queued' : 'offered';
    return receipts.first(messageId, route.agentId, { status, routedBy: route.routedBy, task, deliverAt });
  }

  /** @throws BusError AGENT_NOT_FOUND, CONTACT_REFUSED */
  #routeOf({ envelope, answered, userId }: Accepting): Route {
    const { addressing, guards } = this.#deps;
    const route = addressing.find(envelope, userId, guards.mayWriteTo(envelope.sender.agent_id, answered));
    if (!route) throw unknownRecipient(envelope.recipient);
    return route;
  }
}

function newMessageOf(
  { envelope, now, timing }: Accepting,
  stored: Pick<NewMessage, 'mailbox' | 'facts' | 'bytes'>,
): NewMessage {
  const { max_retries: maxRetries, backoff } = envelope.routing.retry_policy;
  const message: NewMessage = {
    messageId: envelope.message_id,
    mailbox: stored.mailbox,
    priority: envelope.priority,
    acceptedAt: now,
    deadline: timing.deadline,
    retry: { maxRetries, backoff },
    facts: stored.facts,
    bytes: stored.bytes,
  };
  if (timing.deliverAt !== undefined) message.deliverAt = timing.deliverAt;
  return message;
}

/** What the sender said: all that is in them but the stamp. */
function sentIn(bytes: Buffer): Envelope {
  return withoutBus(JSON.parse(bytes.toString('utf8')) as CompleteEnvelope) as Envelope;
}
