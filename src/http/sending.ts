// The envelopes that one socket sends: each to the bus, the receipts of a turn together, no more on their way than it should.
import type { WebSocket } from 'ws';
import type { Bus } from '../bus/bus.ts';
import type { Principal } from '../bus/identity.ts';
import type { Envelope, Receipt } from '../protocol/types.gen.ts';

export interface SendingOptions {
  bus: Bus;
  principal: Principal;
  webSocket: WebSocket;
  /** True while the peer does not read what it was answered. */
  isBlocked: () => boolean;
  /** The receipts of one turn. */
  accepted: (receipts: Receipt[]) => void;
  refuse: (error: unknown, messageId: string | undefined) => void;
}

/** A sender with more envelopes than this on their way to the disk is not read from. */
const maxUnaccepted = 1_024;

export class Sending {
  readonly #options: SendingOptions;
  /** Aborted when nobody waits for a reply here any more. */
  readonly #gone = new AbortController();
  #receipts: Receipt[] = [];
  /** Envelopes on their way to the disk; those that wait for a reply are not among them. */
  #unaccepted = 0;

  constructor(options: SendingOptions) {
    this.#options = options;
  }

  get busy(): boolean {
    return this.#unaccepted > 0;
  }

  send(envelope: Envelope, raw: Buffer): void {
    const { bus, principal, webSocket, refuse } = this.#options;
    try {
      bus.rateLimit.take(principal);
    } catch (error) {
      refuse(error, envelope.message_id);
      return;
    }
    const waits = envelope.routing?.delivery_mode === 'sync';
    // Those who wait for an answer do not stop those who have it from giving it.
    if (!waits && ++this.#unaccepted >= maxUnaccepted) webSocket.pause();
    const signal = waits ? this.#gone.signal : undefined;
    bus.messages.send({ envelope, raw, principal, signal }).then(
      (receipt) => {
        if (!waits) this.#settled();
        if (this.#receipts.push(receipt) === 1) process.nextTick(() => this.#flush());
      },
      (error: unknown) => {
        if (!waits) this.#settled();
        refuse(error, envelope.message_id);
      },
    );
  }

  /** Reads from the socket again, if nothing speaks against it. */
  readOn(): void {
    const { webSocket, isBlocked } = this.#options;
    if (webSocket.isPaused && !isBlocked() && this.#unaccepted < maxUnaccepted) webSocket.resume();
  }

  close(): void {
    this.#gone.abort();
  }

  #settled(): void {
    this.#unaccepted--;
    if (this.#unaccepted < maxUnaccepted / 2) this.readOn();
  }

  #flush(): void {
    const receipts = this.#receipts;
    this.#receipts = [];
    this.#options.accepted(receipts);
  }
}
