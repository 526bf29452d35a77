// The reference: what is known of every message from outside, and what must therefore hold. It knows nothing of how the bus
// works inside.
import { BusError } from '../../src/protocol/errors.ts';
import { KnownMessage, type Sent } from './known-message.ts';

export interface Violation {
  /** I1 to I7 of the promises; L where something that should happen does not. */
  invariant: string;
  id: string;
  text: string;
}

export interface Figures {
  accepted: number;
  repeats: number;
  redeliveries: number;
  crashes: number;
}

export interface ModelOptions {
  retentionMs: number;
}

export class Model {
  readonly options: ModelOptions;
  readonly violations: Violation[] = [];
  readonly figures: Figures = { accepted: 0, repeats: 0, redeliveries: 0, crashes: 0 };
  readonly messages = new Map<string, KnownMessage>();
  readonly #now: () => number;
  #tick = 0;
  #run = 0;
  /** A flush has failed in this run. */
  #failed = false;

  constructor(now: () => number, options: ModelOptions) {
    this.#now = now;
    this.options = options;
  }

  get now(): number {
    return this.#now();
  }

  get hasFailed(): boolean {
    return this.#failed;
  }

  get run(): number {
    return this.#run;
  }

  /** One more thing that the outside did or saw. */
  nextTick(): number {
    return ++this.#tick;
  }

  violate(invariant: string, id: string, text: string): void {
    this.violations.push({ invariant, id, text });
  }

  started(): void {
    this.#run++;
    this.#failed = false;
  }

  crashed(): void {
    this.figures.crashes++;
    this.ended();
  }

  /** Crashed or stopped: nobody holds anything any more. */
  ended(): void {
    for (const message of this.messages.values()) {
      message.lease = undefined;
      for (const sent of message.sends) sent.answer ??= 'unsure';
    }
  }

  flushFailed(): void {
    this.#failed = true;
  }

  /** The code of a refusal; whatever else was thrown is a fault of the bus. */
  codeOf(id: string, error: unknown, allowed: readonly string[]): string {
    const code = error instanceof BusError ? error.code : String(error);
    if (!allowed.includes(code)) this.violate('X', id, `was refused with ${code}`);
    return code;
  }

  of(id: string): KnownMessage {
    const message = this.messages.get(id);
    if (!message) throw new Error(`the simulation knows nothing of ${id}`);
    return message;
  }

  /** Whether the bus may take the id for a new one: it was discarded, or ended longer ago than ids are kept. */
  mayBeForgotten(message: KnownMessage): boolean {
    return message.discarding || this.now - message.openAt > this.options.retentionMs;
  }

  /** The id was free, and this call has taken it. */
  reborn(old: KnownMessage, sent: Sent): KnownMessage {
    const isOfNow = ({ tick }: { tick: number }): boolean => tick >= sent.tick;
    const message = KnownMessage.again(old);
    message.sends = [sent, ...old.sends.filter((other) => other !== sent && isOfNow(other))];
    message.seen = old.seen.filter(isOfNow);
    message.openAt = sent.at;
    // Of the old one or of this: whoever waits had said so before the bus told them apart.
    message.isAwaited = old.isAwaited;
    sent.mayBeNew = false;
    if (message.seen.length > 0)
      Object.assign(message, { lease: old.lease, ack: old.ack, ackRun: old.ackRun, givenUp: old.givenUp });
    this.messages.set(old.id, message);
    return message;
  }
}
