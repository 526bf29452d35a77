// The envelopes that one socket sends: each to the bus, the receipts of a turn together, no more on their way than it should.
import { setMaxListeners } from 'node:events';
import type { WebSocket } from 'ws';
import type { Principal } from '../bus/identity.ts';
import type { RateLimit } from '../bus/rate-limit.ts';
import type { Workspace } from '../bus/workspace.ts';
import { BusError } from '../protocol/errors.ts';
import type { AnyReceipt, Envelope } from '../protocol/types.gen.ts';
import { assertKeysOnce } from './repeated-keys.ts';
import { type Sent, sentOf } from './sent.ts';

export interface SendingOptions {
  workspace: Workspace;
  rateLimit: RateLimit;
  principal: Principal;
  webSocket: WebSocket;
  /** True while the peer does not read what it was answered, or too much of what it sent is on its way. */
  isBlocked: () => boolean;
  /** The receipts of one turn. */
  accepted: (receipts: AnyReceipt[]) => void;
  refuse: (error: unknown, sent: Sent) => void;
}

/** A sender with more envelopes than this on their way to the disk is not read from. */
const maxUnaccepted = 1_024;

/** Requests of one socket that wait for an answer at a time, each perhaps for hours. */
const maxWaiting = 256;

export class Sending {
  readonly #options: SendingOptions;
  /** Aborted when nobody waits for a reply here any more. */
  readonly #gone = new AbortController();
  #receipts: AnyReceipt[] = [];
  /** Envelopes on their way to the disk; those that wait for a reply are not among them. */
  #unaccepted = 0;
  #waiting = 0;

  constructor(options: SendingOptions) {
    this.#options = options;
    setMaxListeners(maxWaiting, this.#gone.signal);
  }

  get busy(): boolean {
    return this.#unaccepted > 0;
  }

  send(envelope: Envelope, raw: Buffer): void {
    const { workspace, rateLimit, principal, webSocket, refuse } = this.#options;
    const waits = envelope.routing?.delivery_mode === 'sync';
    // Not of the envelope itself: what waits for hours would keep it in memory.
    const { message_id, sender } = envelope;
    try {
      rateLimit.take(principal);
      if (waits && this.#waiting >= maxWaiting) throw tooManyWaiting();
      assertKeysOnce(principal, raw, envelope);
    } catch (error) {
      refuse(error, sentOf(message_id, sender));
      return;
    }
    // Those who wait for an answer do not stop those who have it from giving it.
    if (waits) this.#waiting++;
    else if (++this.#unaccepted >= maxUnaccepted) webSocket.pause();
    const signal = waits ? this.#gone.signal : undefined;
    workspace.messages
      .send({ envelope, raw, principal, signal })
      .then(waits ? this.#answered : this.#accepted, (error: unknown) => {
        this.#settled(waits);
        refuse(error, sentOf(message_id, sender));
      });
  }

  /** Reads from the socket again, if nothing speaks against it. */
  readOn(): void {
    const { webSocket, isBlocked } = this.#options;
    if (webSocket.isPaused && !isBlocked() && this.#unaccepted < maxUnaccepted) webSocket.resume();
  }

  /** What waits for a reply ends, with the reason where there is one. */
  close(reason?: BusError): void {
    this.#gone.abort(reason);
  }

  readonly #answered = (receipt: AnyReceipt): void => {
    this.#settled(true);
    this.#receive(receipt);
  };

  readonly #accepted = (receipt: AnyReceipt): void => {
    this.#settled(false);
    this.#receive(receipt);
  };

  #receive(receipt: AnyReceipt): void {
    if (this.#receipts.push(receipt) === 1) process.nextTick(() => this.#flush());
  }

  #settled(waited: boolean): void {
    if (waited) {
      this.#waiting--;
      return;
    }
    this.#unaccepted--;
    if (this.#unaccepted < maxUnaccepted / 2) this.readOn();
  }

  #flush(): void {
    const receipts = this.#receipts;
    this.#receipts = [];
    this.#options.accepted(receipts);
  }
}

function tooManyWaiting(): BusError {
  return new BusError(
    'RATE_LIMITED',
    `${maxWaiting} sync requests of this socket wait for their answers; send again when some have come.`,
  );
}
