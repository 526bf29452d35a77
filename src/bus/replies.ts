// Senders that wait for the answer (`delivery_mode: sync`), and which answer is theirs.
import type { Clock } from '../ports/clock.ts';
import type { MailboxStore } from '../ports/mailbox-store.ts';
import { parseDuration } from '../protocol/durations.ts';
import { BusError } from '../protocol/errors.ts';
import type { CompleteEnvelope } from '../protocol/types.gen.ts';

interface Waiting {
  request: CompleteEnvelope;
  resolve(answer: CompleteEnvelope): void;
}

/** An answer that somebody waits for. */
export interface ClaimedReply {
  /** Where it is stored: not where other sockets of the asking agent would see it. */
  mailbox: string;
  /** Hands it to the one who waits; call when it is durable. */
  deliver(answer: CompleteEnvelope): Promise<void>;
}

export class Replies {
  readonly #clock: Clock;
  readonly #mailboxes: MailboxStore;
  /** By message id of the request, oldest first. */
  readonly #waiting = new Map<string, Waiting>();

  constructor(clock: Clock, mailboxes: MailboxStore) {
    this.#clock = clock;
    this.#mailboxes = mailboxes;
  }

  /** `answer` rejects with REPLY_TIMEOUT when the request's timeout has passed or its sender has gone. */
  expect(
    request: CompleteEnvelope,
    now: number,
    signal: AbortSignal | undefined,
  ): { answer: Promise<CompleteEnvelope>; forget: () => void } {
    const id = request.message_id;
    let stop: (text: string) => void = () => undefined;
    const answer = new Promise<CompleteEnvelope>((resolve, reject) => {
      stop = (text) => reject(new BusError('REPLY_TIMEOUT', text));
      this.#waiting.set(id, { request, resolve });
    });
    // Whoever sends may fail before it waits.
    answer.catch(() => undefined);
    const timeoutMs = now + parseDuration(request.routing.timeout) - this.#clock.now();
    const cancel = this.#clock.schedule(timeoutMs, () => stop(`No reply to ${id} within ${request.routing.timeout}.`));
    const onGone = () => stop(`The sender of ${id} no longer waits for the reply.`);
    signal?.addEventListener('abort', onGone, { once: true });
    const forget = () => {
      cancel();
      signal?.removeEventListener('abort', onGone);
      this.#waiting.delete(id);
    };
    return { answer, forget };
  }

  /** Whose answer this is, if anybody waits for it. `requestOfTask`: the request whose task it moved in its session. */
  claim(envelope: CompleteEnvelope, requestOfTask: () => string | null | undefined): ClaimedReply | undefined {
    if (this.#waiting.size === 0) return undefined;
    if (envelope.message_type !== 'task_response' && envelope.message_type !== 'error') return undefined;
    const waiting = this.#find(envelope, requestOfTask);
    if (!waiting) return undefined;
    const { request, resolve } = waiting;
    this.#waiting.delete(request.message_id);
    const agentId = request.sender.agent_id;
    const mailbox = `${agentId}#${request.message_id}`;
    return {
      mailbox,
      deliver: async (answer) => {
        const connectionId = `sync_${request.message_id}`;
        await this.#mailboxes.take(mailbox, 1, parseDuration('60s'), { agentId, door: 'http', connectionId });
        await this.#mailboxes.ack(mailbox, [answer.message_id]);
        resolve(answer);
      },
    };
  }

  #find(
    { sender, recipient, metadata }: CompleteEnvelope,
    requestOfTask: () => string | null | undefined,
  ): Waiting | undefined {
    const isBetween = ({ request }: Waiting): boolean =>
      request.recipient.agent_id === sender.agent_id && request.sender.agent_id === recipient.agent_id;
    const id = metadata?.in_reply_to ?? (sender.session_id === undefined ? undefined : requestOfTask());
    if (id !== undefined && id !== null) {
      const named = this.#waiting.get(id);
      return named && isBetween(named) ? named : undefined;
    }
    if (sender.session_id !== undefined) return undefined;
    for (const waiting of this.#waiting.values()) {
      if (isBetween(waiting) && waiting.request.sender.session_id === undefined) return waiting;
    }
    return undefined;
  }
}
