// What receivers did and were told.
import type { Offer } from '../../src/ports/mailbox-store.ts';
import { busAgentId } from '../../src/protocol/ids.ts';
import type { CompleteEnvelope } from '../../src/protocol/types.gen.ts';
import { checkOffer } from './check-offer.ts';
import { OrderCheck } from './check-order.ts';
import { isSaid } from './content.ts';
import { KnownMessage, type Seen, type Sent } from './known-message.ts';
import type { Model } from './model.ts';

export class ReceiverView {
  readonly #order = new OrderCheck();
  readonly #model: Model;

  constructor(model: Model) {
    this.#model = model;
  }

  delivered(agent: string, connection: string, leaseMs: number, offers: readonly Offer[]): void {
    const model = this.#model;
    for (const { messageId, attempt, leaseEndsAt, bytes } of offers) {
      const takenAt = leaseEndsAt - leaseMs;
      const seen: Seen = { tick: model.nextTick(), takenAt, run: model.run, agent, connection, attempt, leaseEndsAt };
      const envelope = JSON.parse(bytes.toString('utf8')) as CompleteEnvelope;
      const message = this.#offered(messageId, attempt, envelope);
      checkOffer(model, message, seen, bytes, envelope);
      const disorder = this.#order.check(message, seen);
      if (disorder) model.violations.push(disorder);
      if (message.seen.length > 0) model.figures.redeliveries++;
      message.seen.push(seen);
      message.lease = seen;
      message.accepted = true;
      // A redrive that is not confirmed may be undone by a crash, and what was offered for it with it.
      if (message.isRedriveSure) message.openAt = model.now;
      message.stored ??= message.candidates.find((sent) => isSaid(sent, envelope));
    }
  }

  /** The message of an offer; a notice of the bus is known from its first delivery on. */
  #offered(id: string, attempt: number, envelope: CompleteEnvelope): KnownMessage {
    const model = this.#model;
    const known = model.messages.get(id);
    if (known) {
      // The offer may be faster than the receipt, which may never come.
      const next = known.sends.find((sent) => sent.mayBeNew && isUnsettled(sent) && isSaid(sent, envelope));
      const redrivenAt = known.redrives.at(-1)?.at ?? 0;
      const hasEnded = known.ack === 'confirmed' || known.dead !== undefined;
      const isAnother = hasEnded || attempt <= (known.seen.at(-1)?.attempt ?? 1);
      return isAnother && next && next.at > redrivenAt ? model.reborn(known, next) : known;
    }
    const message = new KnownMessage(id, envelope.sender.agent_id === busAgentId);
    model.messages.set(id, message);
    if (!message.isNotice) {
      model.violate('I5', id, 'was delivered, and nobody had sent it');
      return message;
    }
    const { routing } = envelope;
    const timeoutMs = Number.parseInt(routing.timeout, 10) * (routing.timeout.endsWith('m') ? 60_000 : 1_000);
    message.sends.push({
      tick: 0,
      at: Date.parse(envelope.timestamp),
      run: 0,
      envelope,
      raw: undefined,
      timeoutMs,
      mayBeNew: false,
    });
    this.noticed(id, envelope);
    return message;
  }

  /** A notice of the bus, wherever it was seen first. */
  noticed(id: string, { recipient, payload, metadata }: CompleteEnvelope): void {
    const about = metadata?.in_reply_to;
    const model = this.#model;
    const subject = about === undefined ? undefined : model.messages.get(about);
    if (!subject) {
      model.violate('I5', id, `is a notice about ${about}, which nobody had sent`);
      return;
    }
    const { code, reason } = payload as { code: string; reason?: string };
    if (code !== 'DELIVERY_FAILED') return;
    subject.notices.add(id);
    if (subject.redrives.length === 0 && !subject.discarding && subject.lives === 0)
      subject.dead ??= reason ?? 'unknown';
    if (subject.notices.size > subject.possibleDeaths) {
      model.violate('I6', subject.id, `died ${subject.notices.size} times, says the bus`);
    }
    if (recipient.agent_id !== subject.envelope?.sender.agent_id) {
      model.violate('I5', id, `tells ${recipient.agent_id} of the death of ${subject.id}, which another had sent`);
    }
  }

  /** The consumer is gone. */
  released(connection: string): void {
    const model = this.#model;
    for (const message of model.messages.values()) {
      if (message.lease?.connection === connection) message.lease = undefined;
    }
  }

  /** The last delivery of each so far. */
  acking(ids: readonly string[]): Map<string, Seen | undefined> {
    const model = this.#model;
    const last = new Map(ids.map((id) => [id, model.of(id).seen.at(-1)]));
    for (const id of ids) {
      const message = model.of(id);
      // What was asked for may be done: nobody holds it any more.
      message.lease = undefined;
      message.acks++;
      if (message.ack !== 'none') continue;
      message.ack = 'asked';
      message.ackRun = model.run;
    }
    return last;
  }

  acked(id: string): void {
    const model = this.#model;
    const message = model.of(id);
    model.nextTick();
    if (model.hasFailed && message.ack === 'asked' && message.ackRun === model.run) {
      model.violate('I7', id, 'was confirmed as acknowledged after a failed flush');
    }
    if (message.dead !== undefined) model.violate('I6', id, `was acknowledged after its death (${message.dead})`);
    message.ack = 'confirmed';
  }

  /** An ack that was not taken: right only where the message has moved, ended or may be about to, or lost its offer in a crash. */
  ackRefused(agent: string, id: string, code: string, last: Seen | undefined): void {
    const model = this.#model;
    const message = model.of(id);
    const hasMoved = message.mayMove || message.discarding || model.mayBeForgotten(message);
    // What was dead when it was acked may have been sent again before the refusal was put into words.
    const mayBeOver = message.redrives.length > 0 || message.mayBeUndecided(agent, model.now);
    if (code === 'NOT_OFFERED' && !mayBeOver && last?.run === model.run && last.agent === agent) {
      model.violate('I1', id, 'was offered in this run, and its ack is refused as if it was not');
    }
    if (code === 'MESSAGE_NOT_FOUND' && !hasMoved)
      model.violate('I1', id, 'was accepted, and its ack finds no such message');
    if (code !== 'MESSAGE_SETTLED') return;
    // Another ack that came in between may be what it was settled by.
    if (message.acks === 1 && message.redrives.length === 0) message.dead ??= 'settled';
  }

  /** An answer is an ack that nobody confirms: when it was done is not known. */
  answering(id: string): void {
    this.acking([id]);
    this.#model.of(id).ackRun = 0;
  }

  /** An answer that names no request acks the one whose task it completes: the oldest open one between the two. */
  answeringAny(to: string, sessionId: string): void {
    const model = this.#model;
    for (const { id, envelope, candidates } of model.messages.values()) {
      const isBetween = envelope?.sender.agent_id === to && envelope.sender.session_id === sessionId;
      if (isBetween && candidates.some(({ envelope: said }) => said.message_type === 'task_request'))
        this.answering(id);
    }
  }

  nacking(id: string, giveUp: boolean): void {
    const model = this.#model;
    const message = model.of(id);
    message.lease = undefined;
    if (giveUp) message.givenUp = true;
  }

  nacked(agent: string, id: string, notBefore: number | undefined): void {
    const model = this.#model;
    const message = model.of(id);
    if (model.hasFailed) model.violate('I7', id, 'was confirmed as nacked after a failed flush');
    message.nacks.set(agent, (message.nacks.get(agent) ?? 0) + 1);
    if (notBefore !== undefined) message.notBefore = { agent, at: notBefore };
  }

  extended(id: string, agent: string, leaseEndsAt: number): void {
    const model = this.#model;
    const { lease } = model.of(id);
    if (lease?.agent === agent) lease.leaseEndsAt = leaseEndsAt;
  }
}

function isUnsettled({ answer = 'unsure' }: Sent): boolean {
  return answer === 'unsure';
}
