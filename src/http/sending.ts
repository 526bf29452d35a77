// The envelopes that one socket sends: each to the bus, the receipts of a turn together, no more on their way than it should.
import type { WebSocket } from 'ws';
import type { Principal } from '../bus/identity.ts';
import type { RateLimit } from '../bus/rate-limit.ts';
import type { Workspace } from '../bus/workspace.ts';
import type { BusError } from '../protocol/errors.ts';
import type { AnyReceipt, Envelope } from '../protocol/types.gen.ts';
import { assertKeysOnce } from './repeated-keys.ts';

export interface SendingOptions {
  workspace: Workspace;
  rateLimit: RateLimit;
  principal: Principal;
  webSocket: WebSocket;
  /** True while the peer does not read what it was answered. */
  isBlocked: () => boolean;
  /** The receipts of one turn. */
  accepted: (receipts: AnyReceipt[]) => void;
  refuse: (error: unknown, envelope: Envelope) => void;
}

/** A sender with more envelopes than this on their way to the disk is not read from. */
const maxUnaccepted = 1_024;

export class Sending {
  readonly #options: SendingOptions;
  /** Aborted when nobody waits for a reply here any more. */
  readonly #gone = new AbortController();
  #receipts: AnyReceipt[] = [];
  /** Envelopes on their way to the disk; those that wait for a reply are not among them. */
  #unaccepted = 0;

  constructor(options: SendingOptions) {
    this.#options = options;
  }

  get busy(): boolean {
    return this.#unaccepted > 0;
  }

  send(envelope: Envelope, raw: Buffer): void {
    const { workspace, rateLimit, principal, webSocket, refuse } = this.#options;
    try {
      rateLimit.take(principal);
      assertKeysOnce(principal, raw, envelope);
    } catch (error) {
      refuse(error, envelope);
      return;
    }
    const waits = envelope.routing?.delivery_mode === 'sync';
    // Those who wait for an answer do not stop those who have it from giving it.
    if (!waits && ++this.#unaccepted >= maxUnaccepted) webSocket.pause();
    const signal = waits ? this.#gone.signal : undefined;
    workspace.messages.send({ envelope, raw, principal, signal }).then(
      (receipt) => {
        if (!waits) this.#settled();
        if (this.#receipts.push(receipt) === 1) process.nextTick(() => this.#flush());
      },
      (error: unknown) => {
        if (!waits) this.#settled();
        refuse(error, envelope);
      },
    );
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
