// What senders did and were told.
import type { Receipt } from '../../src/protocol/types.gen.ts';
import { sameContent } from './content.ts';
import { KnownMessage, type Sent } from './known-message.ts';
import type { Model } from './model.ts';

/** Refusals that say that nothing was stored by this call. */
const refusals = new Set([
  'AGENT_NOT_FOUND',
  'MESSAGE_ID_CONFLICT',
  'MAILBOX_FULL',
  'STORE_FULL',
  'SHUTTING_DOWN',
  'SESSION_NOT_FOUND',
  'SESSION_ENDED',
  'NOT_A_PARTICIPANT',
  'STEP_NOT_OPEN',
  'TASK_EXISTS',
]);
/** A repeat may get these as well. */
const whateverItIs = new Set(['SHUTTING_DOWN', 'STORE_FAILED', 'REPLY_TIMEOUT', 'NO_REPLY']);
const unsure = new Set(['STORE_FAILED', 'REPLY_TIMEOUT', 'NO_REPLY']);

export class SenderView {
  readonly #model: Model;

  constructor(model: Model) {
    this.#model = model;
  }

  sending(id: string, call: Pick<Sent, 'envelope' | 'raw' | 'timeoutMs'>): Sent {
    const model = this.#model;
    const sent: Sent = { ...call, tick: model.nextTick(), at: model.now, run: model.run, mayBeNew: false };
    let message = model.messages.get(id);
    if (!message) {
      message = new KnownMessage(id, false);
      model.messages.set(id, message);
    }
    sent.mayBeNew = message.mayExist && model.mayBeForgotten(message);
    message.sends.push(sent);
    message.mayBeClaimed ||= this.#mayAnswerAwaited(sent);
    if (message.sends.length === 1) message.openAt = model.now;
    return sent;
  }

  /** Somebody waits for the answer to it. */
  awaiting(id: string): void {
    const model = this.#model;
    model.of(id).isAwaited = true;
  }

  receipt(id: string, sent: Sent, receipt: Receipt): void {
    const model = this.#model;
    let message = model.of(id);
    sent.answeredAtTick = model.nextTick();
    sent.answeredAt = model.now;
    if (receipt.message_id !== id) model.violate('I5', id, `got the receipt of ${receipt.message_id}`);
    if (receipt.duplicate) {
      sent.answer = 'repeated';
      model.figures.repeats++;
      if (message.stored && !sent.mayBeNew && !sameContent(message.stored, sent)) {
        model.violate('I2', id, 'is a repeat to the bus, but its content is another');
      }
      if (!message.mayExist) model.violate('I2', id, 'is a repeat to the bus, and nothing was accepted before');
    } else {
      sent.answer = 'first';
      if (model.hasFailed) model.violate('I7', id, 'was accepted after a failed flush');
      if (sent.mayBeNew || model.mayBeForgotten(message)) message = model.reborn(message, sent);
      else if (message.sends.some((other) => other !== sent && other.answer === 'first')) {
        model.violate('I2', id, 'was accepted a second time');
      }
      if (message.seen.some(({ tick }) => tick < sent.tick)) {
        model.violate('I1', id, 'is new to the bus, and was delivered before it was sent: it was lost in between');
      }
      model.figures.accepted++;
    }
    message.accepted = true;
    if (!receipt.duplicate) message.stored = sent;
  }

  refused(id: string, sent: Sent, error: unknown): void {
    const model = this.#model;
    const code = model.codeOf(id, error, [...refusals, ...unsure]);
    sent.answeredAtTick = model.nextTick();
    sent.answer = unsure.has(code) ? 'unsure' : 'refused';
    if (code === 'STORE_FAILED' && !model.hasFailed)
      model.violate('I7', id, 'was told of a failed store, and none had failed');
    const message = model.of(id);
    const isKnown = message.stored !== undefined && sameContent(message.stored, sent) && !model.mayBeForgotten(message);
    if (isKnown && !whateverItIs.has(code))
      model.violate('I2', id, `was accepted, and its repeat is refused with ${code}`);
    if (code !== 'MESSAGE_ID_CONFLICT') return;
    const others = message.sends.filter(
      (other) => other !== sent && !sameContent(other, sent) && other.answer !== 'refused',
    );
    if (others.length === 0 && !model.mayBeForgotten(message)) {
      model.violate('I2', id, 'was refused as a conflict, and nothing else had its id');
    }
  }

  /** Without a name, an answer is that to the oldest request between the two. */
  #mayAnswerAwaited({ envelope: { message_type, metadata } }: Sent): boolean {
    const model = this.#model;
    if (message_type !== 'task_response' && message_type !== 'error') return false;
    const named = metadata?.in_reply_to;
    if (named !== undefined) return model.messages.get(named)?.isAwaited ?? false;
    return [...model.messages.values()].some(({ isAwaited }) => isAwaited);
  }
}
