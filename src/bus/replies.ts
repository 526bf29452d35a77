// Senders that wait for the answer (`delivery_mode: sync`), and which answer is theirs.
import type { Clock } from '../ports/clock.ts';
import type { MailboxStore } from '../ports/mailbox-store.ts';
import { parseDuration } from '../protocol/durations.ts';
import { BusError } from '../protocol/errors.ts';
import type { CompleteEnvelope } from '../protocol/types.gen.ts';

interface Waiting {
  request: CompleteEnvelope;
  /** The agent that has the request: only its answer counts. */
  answerer: string | undefined;
  gone: boolean;
  resolve(answer: CompleteEnvelope): void;
}

export interface ExpectedReply {
  /** Rejects with REPLY_TIMEOUT when the request's timeout has passed or its sender has gone. */
  answer: Promise<CompleteEnvelope>;
  /** The request was routed to this agent. */
  routedTo(agentId: string): void;
  /** To be called at the end, however it ended. */
  forget(): void;
}

/** An answer that somebody waits for. */
export interface ClaimedReply {
  /** Where it is stored: not where other sockets of the asking agent would see it. */
  mailbox: string;
  /** Hands it to those who wait, or to their ordinary mailbox if none does any more; call when it is durable. */
  deliver(answer: CompleteEnvelope): Promise<void>;
  /** It was not accepted after all: whoever waits goes on waiting. */
  release(): void;
}

/** The mailbox of replies that are waited for is `<agent>#sync`. */
const mark = '#sync';

const handoverMs = 60_000;

export class Replies {
  readonly #clock: Clock;
  readonly #mailboxes: MailboxStore;
  /** By message id of the request, oldest first; a repeated request waits beside the first one. */
  readonly #waiting = new Map<string, Waiting[]>();

  constructor(clock: Clock, mailboxes: MailboxStore) {
    this.#clock = clock;
    this.#mailboxes = mailboxes;
  }

  expect(request: CompleteEnvelope, now: number, signal: AbortSignal | undefined): ExpectedReply {
    const id = request.message_id;
    const { promise: answer, resolve, reject } = withResolvers<CompleteEnvelope>();
    // Whoever sends may fail before it waits.
    answer.catch(() => undefined);
    const waiting: Waiting = { request, answerer: undefined, gone: false, resolve };
    this.#waiting.set(id, [...(this.#waiting.get(id) ?? []), waiting]);
    const stop = (text: string) => {
      waiting.gone = true;
      reject(new BusError('REPLY_TIMEOUT', text));
    };
    const timeoutMs = now + parseDuration(request.routing.timeout) - this.#clock.now();
    const cancel = this.#clock.schedule(timeoutMs, () => stop(`No reply to ${id} within ${request.routing.timeout}.`));
    const onGone = () => stop(`The sender of ${id} no longer waits for the reply.`);
    signal?.addEventListener('abort', onGone, { once: true });
    if (signal?.aborted) onGone();
    return {
      answer,
      routedTo: (agentId) => {
        waiting.answerer = agentId;
      },
      forget: () => {
        cancel();
        signal?.removeEventListener('abort', onGone);
        this.#remove(id, [waiting]);
      },
    };
  }

  /** A request that somebody waits for has gone on to another agent. */
  rerouted(messageId: string, agentId: string): void {
    for (const waiting of this.#waiting.get(messageId) ?? []) waiting.answerer = agentId;
  }

  /** Whether the agent waits for a reply: then it can be written to, registered or not. */
  isAwaitedBy(agentId: string): boolean {
    for (const [first] of this.#waiting.values()) if (first?.request.sender.agent_id === agentId) return true;
    return false;
  }

  /** Whose answer this is, if anybody waits for it. `request` is what it names, or whose task it moved in its session. */
  claim(envelope: CompleteEnvelope, request: string | undefined): ClaimedReply | undefined {
    if (this.#waiting.size === 0) return undefined;
    if (envelope.message_type !== 'task_response' && envelope.message_type !== 'error') return undefined;
    const claimed = this.#find(envelope, request);
    const [first] = claimed;
    if (!first) return undefined;
    this.#remove(first.request.message_id, claimed);
    const agentId = first.request.sender.agent_id;
    return {
      mailbox: agentId + mark,
      deliver: (answer) => this.#deliver(answer, agentId, claimed),
      release: () => this.#restore(first.request.message_id, claimed),
    };
  }

  #restore(id: string, claimed: readonly Waiting[]): void {
    const left = [...claimed, ...(this.#waiting.get(id) ?? [])].filter((waiting) => !waiting.gone);
    if (left.length > 0) this.#waiting.set(id, left);
  }

  async #deliver(answer: CompleteEnvelope, agentId: string, claimed: readonly Waiting[]): Promise<void> {
    const { message_id: id } = answer;
    const mailbox = agentId + mark;
    if (claimed.every((waiting) => waiting.gone)) {
      const entry = await this.#mailboxes.find(id);
      if (entry) await this.#mailboxes.reroute(id, agentId, entry.facts);
      return;
    }
    const taker = { agentId, door: 'http' as const, connectionId: `sync_${id}` };
    // Others' replies may lie before this one; whoever takes them, each is acked by the one that it is for.
    for (let left = 1; left > 0; ) {
      const [status] = await this.#mailboxes.ack(mailbox, [id]);
      if (status !== undefined) break;
      left = (await this.#mailboxes.take(mailbox, 100, handoverMs, taker)).length;
    }
    for (const waiting of claimed) waiting.resolve(answer);
  }

  #find({ sender, recipient }: CompleteEnvelope, request: string | undefined): readonly Waiting[] {
    const answers = (waiting: Waiting): boolean =>
      waiting.answerer === sender.agent_id && waiting.request.sender.agent_id === recipient.agent_id;
    if (request !== undefined) return (this.#waiting.get(request) ?? []).filter(answers);
    if (sender.session_id !== undefined) return [];
    for (const waiting of this.#waiting.values()) {
      const claimed = waiting.filter((one) => answers(one) && one.request.sender.session_id === undefined);
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
