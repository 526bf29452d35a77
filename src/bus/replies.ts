// Senders that wait for the answer (`delivery_mode: sync`), and which answer is theirs.
import type { Clock } from '../ports/clock.ts';
import type { Consumer, Lease, MailboxStore } from '../ports/mailbox-store.ts';
import { parseDuration } from '../protocol/durations.ts';
import { BusError } from '../protocol/errors.ts';
import type { NewId } from '../protocol/ids.ts';
import type { CompleteEnvelope } from '../protocol/types.gen.ts';
import { askAgainMs, mayGoOn } from './further-delivery.ts';

/** Of a request only what its answer is known by: it may wait for hours, and be as large as a message can be. */
interface Waiting {
  /** Of the request. */
  id: string;
  /** Who asked, and in which session. */
  asker: string;
  sessionId: string | undefined;
  /** The agent that has the request: only its answer counts. */
  answerer: string | undefined;
  /** It no longer waits. */
  gone: boolean;
  resolve(answer: CompleteEnvelope): void;
  /** It need not wait any longer. */
  stop(reason: BusError): void;
  /** Waits until this instant, in milliseconds since the epoch, instead of the one before. */
  until(deadline: number): void;
}

export interface ExpectedReply {
  /**
   * Rejects with REPLY_TIMEOUT when its sender has gone, or the request's timeout has passed: that of the last agent
   * where it went on to fallbacks. With NO_REPLY when the request has ended without an answer. Where the signal was aborted
   * with a BusError, with that.
   */
  answer: Promise<CompleteEnvelope>;
  /** The request was routed to this agent. */
  routedTo(agentId: string): void;
  /** To be called at the end, however it ended. */
  forget(): void;
}

/** An answer that somebody waits for. */
export interface ClaimedReply {
  /** The mailbox of those who wait. */
  mailbox: string;
  /** It is theirs from the first moment on: other sockets of the asking agent do not see it. */
  lease: Lease;
  /** Hands it to those who wait, or to their mailbox if none does any more; call when it is durable. */
  deliver(answer: CompleteEnvelope): Promise<void>;
  /** It was not accepted after all: whoever waits goes on waiting. */
  release(): void;
}

/** An answer that was not handed over by then goes to the mailbox as well. */
const handoverMs = 60_000;

export class Replies {
  readonly #clock: Clock;
  readonly #mailboxes: MailboxStore;
  readonly #newId: NewId;
  /** By message id of the request, oldest first; a repeated request waits beside the first one. */
  readonly #waiting = new Map<string, Waiting[]>();

  constructor(clock: Clock, mailboxes: MailboxStore, newId: NewId) {
    this.#clock = clock;
    this.#mailboxes = mailboxes;
    this.#newId = newId;
  }

  expect(request: CompleteEnvelope, now: number, signal: AbortSignal | undefined): ExpectedReply {
    const { message_id: id, sender } = request;
    const { timeout, fallback_agents: fallbacks } = request.routing;
    const { promise: answer, resolve, reject } = withResolvers<CompleteEnvelope>();
    // Whoever sends may fail before it waits.
    answer.catch(() => undefined);
    let cancel: () => void = () => undefined;
    let end = 0;
    const wakeAt = (instant: number) => {
      cancel();
      cancel = this.#clock.schedule(instant - this.#clock.now(), () => void onTime());
    };
    const until = (deadline: number) => {
      end = deadline;
      if (!waiting.gone) wakeAt(deadline);
    };
    const stop = (reason: BusError) => {
      waiting.gone = true;
      reject(reason);
    };
    const { agent_id: asker, session_id: sessionId } = sender;
    const waiting: Waiting = { id, asker, sessionId, answerer: undefined, gone: false, resolve, stop, until };
    this.#waiting.set(id, [...(this.#waiting.get(id) ?? []), waiting]);
    const onTime = async () => {
      // Delivery decides whether this is the end.
      const goesOn = fallbacks !== undefined && (await mayGoOn(this.#mailboxes, id));
      if (!goesOn && this.#clock.now() >= end) stop(tooLate(`No reply to ${id} within ${timeout}.`));
      else if (!waiting.gone) wakeAt(Math.max(end, this.#clock.now() + askAgainMs));
    };
    until(now + parseDuration(timeout));
    const onGone = () => {
      const reason: unknown = signal?.reason;
      stop(reason instanceof BusError ? reason : tooLate(`The sender of ${id} no longer waits for the reply.`));
    };
    signal?.addEventListener('abort', onGone, { once: true });
    if (signal?.aborted) onGone();
    return {
      answer,
      routedTo: (agentId) => {
        waiting.answerer = agentId;
      },
      forget: () => {
        waiting.gone = true;
        cancel();
        signal?.removeEventListener('abort', onGone);
        this.#remove(id, [waiting]);
      },
    };
  }

  /** A request that somebody waits for has gone on to another agent, who has until the deadline. */
  rerouted(messageId: string, agentId: string, deadline: number): void {
    for (const waiting of this.#waiting.get(messageId) ?? []) {
      waiting.answerer = agentId;
      waiting.until(deadline);
    }
  }

  /** A request has ended without an answer: whoever waits for one is told why. */
  ended(messageId: string, why: string): void {
    for (const waiting of this.#waiting.get(messageId) ?? []) waiting.stop(noReplyToCome(messageId, why));
  }

  /** Whether the agent waits for a reply: then it can be written to, registered or not. */
  isAwaitedBy(agentId: string): boolean {
    for (const [first] of this.#waiting.values()) if (first?.asker === agentId) return true;
    return false;
  }

  /** Whose answer this is, if anybody waits for it. `request` is what it names, or whose task it moved in its session. */
  claim(envelope: CompleteEnvelope, request: string | undefined): ClaimedReply | undefined {
    if (this.#waiting.size === 0) return undefined;
    if (envelope.message_type !== 'task_response' && envelope.message_type !== 'error') return undefined;
    const claimed = this.#find(envelope, request);
    const [first] = claimed;
    if (!first) return undefined;
    const { id, asker: agentId } = first;
    this.#remove(id, claimed);
    const consumer = { agentId, door: 'http' as const, connectionId: this.#newId('conn') };
    return {
      mailbox: agentId,
      lease: { consumer, leaseMs: handoverMs },
      deliver: (answer) => this.#deliver(answer, consumer, claimed),
      release: () => this.#restore(id, claimed),
    };
  }

  #restore(id: string, claimed: readonly Waiting[]): void {
    const left = [...claimed, ...(this.#waiting.get(id) ?? [])].filter((waiting) => !waiting.gone);
    if (left.length > 0) this.#waiting.set(id, left);
  }

  async #deliver(answer: CompleteEnvelope, taker: Consumer, claimed: readonly Waiting[]): Promise<void> {
    const takers = claimed.filter((waiting) => !waiting.gone);
    // In this order: who went away in the meantime, or a crash before the ack, must not cost the answer.
    for (const waiting of takers) waiting.resolve(answer);
    if (takers.length > 0) await this.#mailboxes.ack(taker.agentId, [answer.message_id]);
    else this.#mailboxes.release(taker.connectionId);
  }

  #find({ sender, recipient }: CompleteEnvelope, request: string | undefined): readonly Waiting[] {
    const answers = (waiting: Waiting): boolean =>
      waiting.answerer === sender.agent_id && waiting.asker === recipient.agent_id;
    if (request !== undefined) return (this.#waiting.get(request) ?? []).filter(answers);
    if (sender.session_id !== undefined) return [];
    for (const waiting of this.#waiting.values()) {
      const claimed = waiting.filter((one) => answers(one) && one.sessionId === undefined);
      if (claimed.length > 0) return claimed;
    }
    return [];
  }

  #remove(id: string, gone: readonly Waiting[]): void {
    const left = (this.#waiting.get(id) ?? []).filter((waiting) => !gone.includes(waiting));
    if (left.length > 0) this.#waiting.set(id, left);
    else this.#waiting.delete(id);
  }
}

export function noReplyToCome(messageId: string, why: string): BusError {
  return new BusError('NO_REPLY', `No reply to ${messageId} will come: ${why}.`);
}

function tooLate(text: string): BusError {
  return new BusError('REPLY_TIMEOUT', text);
}

/** Promise.withResolvers, which Node 20 does not have. */
function withResolvers<T>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<T>((onValue, onReason) => {
    resolve = onValue;
    reject = onReason;
  });
  return { promise, resolve, reject };
}
