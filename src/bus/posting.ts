// Posts one envelope to one mailbox: which agent's, past the guards, known to its session, stored, and a receipt for it.
import { detourOf, withBus } from '../core/delivery/bus-metadata.ts';
import type { Route } from '../core/delivery/route.ts';
import type { Enqueued, MailboxStore } from '../ports/mailbox-store.ts';
import type { BusStamp, Receipt, TaskRef } from '../protocol/types.gen.ts';
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

/** What is on its way to the disk. */
interface Posted {
  accepting: Accepting;
  route: Route;
  bus: BusStamp;
  task: TaskRef | undefined;
  /** The message id of the request that this answers. */
  request: string | undefined;
  waiting: ClaimedReply | undefined;
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
    const message = sessionId && sessionMessageOf(envelope, sessionId, route, timing.deadline, now);
    const task = message ? sessions.recordMessage(message) : undefined;
    countIn(admission);
    const request = answers.requestOf(envelope, task);
    const waiting = replies.claim(envelope, request);
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
    const posted: Posted = { accepting, route, bus, task, request, waiting };
    if (sessionId === undefined && !waiting) return storing.then((enqueued) => this.#receiptOf(posted, enqueued));
    return this.#whenAllIsStored(posted, sessionId, storing);
  }

  /** Whoever waits for an answer that was not taken goes on waiting. */
  async #whenAllIsStored(posted: Posted, sessionId: string | undefined, storing: Promise<Enqueued>): Promise<Receipt> {
    const { waiting, accepting, bus } = posted;
    let isTaken = false;
    let enqueued: Enqueued;
    try {
      [enqueued] = await Promise.all([storing, sessionId && this.#deps.sessions.settled(sessionId)]);
      isTaken = enqueued.outcome === 'stored';
    } finally {
      if (!isTaken) waiting?.release();
    }
    if (isTaken) await waiting?.deliver(withBus(accepting.envelope, bus));
    return this.#receiptOf(posted, enqueued);
  }

  #receiptOf({ accepting, route, task, request }: Posted, enqueued: Enqueued): Receipt {
    const { sent, envelope, timing } = accepting;
    const { answers, counters, receipts } = this.#deps;
    if (enqueued.outcome === 'known') return this.#repeats.receipt(sent, enqueued.entry);
    counters.accepted++;
    if (request !== undefined) void answers.settle(envelope.sender.agent_id, request);
    const status = enqueued.status === 'queued' ? 'queued' : 'offered';
    const { deliverAt } = timing;
    return receipts.first(envelope.message_id, route.agentId, { status, routedBy: route.routedBy, task, deliverAt });
  }

  /** @throws BusError AGENT_NOT_FOUND, CONTACT_REFUSED */
  #routeOf({ envelope, answered, userId }: Accepting): Route {
    const { addressing, guards } = this.#deps;
    const route = addressing.find(envelope, userId, guards.mayWriteTo(envelope.sender.agent_id, answered));
    if (!route) throw unknownRecipient(envelope.recipient);
    return route;
  }
}
