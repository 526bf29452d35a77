// One connection of the fast lane: reads plain sends off the socket, and hands it over with the first thing that is none.
import type { Socket } from 'node:net';
import type { Bus } from '../bus/bus.ts';
import type { Principal } from '../bus/identity.ts';
import type { Sending } from '../bus/message-intake.ts';
import type { Workspace } from '../bus/workspace.ts';
import type { BusError } from '../protocol/errors.ts';
import type { Envelope } from '../protocol/types.gen.ts';
import { validatorOf } from '../schema/registry.ts';
import type { AllowedCallers } from './allowed-callers.ts';
import { credentialOf } from './auth.ts';
import { handleClientError } from './client-error.ts';
import { toBusError } from './errors.ts';
import { parseJson } from './json-body.ts';
import { writePlainAnswer } from './plain-answer.ts';
import { PlainRequestReader } from './plain-request.ts';
import { headersOfProblem, problemOf } from './problem.ts';
import { receiptText } from './receipt-text.ts';
import { assertKeysOnce } from './repeated-keys.ts';
import { type Sent, sentOf } from './sent.ts';
import { speaksTls } from './tls.ts';

export interface LaneOptions {
  bus: Bus;
  callers: AllowedCallers;
  /** Largest body in bytes. */
  maxPayload: number;
  /** Milliseconds until the first request has to be there. */
  headersTimeout: number;
  /** Milliseconds that a connection may be idle. */
  keepAliveTimeout: number;
  /** Told of faults of the bus. */
  onFault: (fault: BusError, cause: unknown, sent: Sent) => void;
  /** Told of what the bus refuses. */
  onRefusal: (refusal: BusError, refused: RefusedSend, address: string | undefined) => void;
}

interface Send {
  workspace: Workspace;
  sending: Sending;
}

interface RefusedSend {
  workspace: Workspace;
  principal: Principal;
  sent: Sent;
}

const isEnvelope = validatorOf<Envelope>('Envelope');
const receiptHeaders = 'content-type: application/json; charset=utf-8\r\n';

interface Exits {
  toNode: (socket: Socket) => void;
  left: () => void;
}

export class LaneConnection {
  readonly #socket: Socket;
  readonly #options: LaneOptions;
  readonly #exits: Exits;
  readonly #requests = new PlainRequestReader();
  /** A request is being answered. */
  #busy = false;
  #served = false;
  /** Milliseconds since it was answered last, as far as was looked. */
  #idleMs = 0;
  /** What came meanwhile: more than one at a time is Node's. */
  #early: Buffer | undefined;
  #ending = false;

  constructor(socket: Socket, options: LaneOptions, exits: Exits) {
    this.#socket = socket;
    this.#options = options;
    this.#exits = exits;
    socket.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onError).on('close', this.#onClose);
  }

  end(): void {
    this.#ending = true;
    if (!this.#busy) this.#socket.destroySoon();
  }

  /** Once in so many milliseconds: who asks nothing for too long is cut off. */
  look(lookMs: number): void {
    if (this.#busy) return;
    const { headersTimeout, keepAliveTimeout } = this.#options;
    this.#idleMs += lookMs;
    if (this.#idleMs <= (this.#served ? keepAliveTimeout : headersTimeout)) return;
    if (this.#served) this.#socket.destroy();
    else handleClientError(Object.assign(new Error('silence'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), this.#socket);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#busy) {
      this.#early = this.#early ? Buffer.concat([this.#early, chunk]) : chunk;
      this.#socket.pause();
      return;
    }
    const send = this.#read(chunk);
    if (!send) {
      this.#leave(chunk);
      return;
    }
    this.#busy = true;
    this.#pass(send);
  };

  #pass({ workspace, sending }: Send): void {
    const { principal, envelope } = sending;
    const { message_id, sender } = envelope;
    workspace.messages.send(sending).then(
      (receipt) => this.#answer(202, receiptHeaders, receiptText(receipt)),
      // Not of the envelope itself, which need not be in memory until it is on disk.
      (error: unknown) => this.#refuse(error, { workspace, principal, sent: sentOf(message_id, sender) }),
    );
  }

  /** What is refused before the bus has it is refused by the ordinary route, which has words for it. */
  #read(chunk: Buffer): Send | undefined {
    const { bus, callers, maxPayload } = this.#options;
    const request = this.#requests.read(chunk);
    if (!request || request.body.length > maxPayload || callers.faultOfHost(request.host)) return undefined;
    try {
      const principal = bus.authenticate(credentialOf(request.headers));
      if (principal instanceof Promise) {
        // The ordinary route can wait for it, and asks again.
        principal.catch(() => undefined);
        return undefined;
      }
      const workspace = bus.workspaceFor(principal, request.workspace);
      const envelope = parseJson(request.body);
      if (!isEnvelope(envelope) || envelope.routing?.delivery_mode === 'sync') return undefined;
      assertKeysOnce(principal, request.body, envelope);
      // At last: it is not to be counted twice.
      bus.rateLimit.take(principal);
      return { workspace, sending: { envelope, raw: request.body, principal } };
    } catch {
      return undefined;
    }
  }

  #refuse(error: unknown, refused: RefusedSend): void {
    const refusal = toBusError(error);
    const { onFault, onRefusal } = this.#options;
    if (refusal.status >= 500) onFault(refusal, error, refused.sent);
    else onRefusal(refusal, refused, this.#socket.remoteAddress);
    const headers = Object.entries(headersOfProblem(refusal)).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#answer(refusal.status, headers.join(''), JSON.stringify(problemOf(refusal)));
  }

  #answer(status: number, headers: string, body: string): void {
    this.#busy = false;
    this.#served = true;
    this.#idleMs = 0;
    if (!this.#socket.writable) return;
    const keepAliveMs = this.#ending ? undefined : this.#options.keepAliveTimeout;
    writePlainAnswer(this.#socket, { status, headers, body, keepAliveMs });
    if (this.#ending) this.#socket.destroySoon();
    else if (this.#early) this.#leave(this.#early);
  }

  /** To Node, with what was read of the connection and not answered. */
  #leave(unread: Buffer): void {
    const socket = this.#socket;
    socket.off('data', this.#onData).pause().unshift(unread);
    // TLS hands over all records of one packet in this turn: Node would read those behind before what was put back.
    if (speaksTls(socket)) setImmediate(this.#handOver);
    else this.#handOver();
  }

  readonly #handOver = (): void => {
    const socket = this.#socket;
    socket.off('end', this.#onEnd).off('error', this.#onError).off('close', this.#onClose);
    this.#exits.left();
    if (socket.destroyed) return;
    this.#exits.toNode(socket);
    socket.resume();
  };

  /** The client says no more; it may still read. */
  readonly #onEnd = (): void => this.end();

  /** `close` follows. */
  readonly #onError = (): void => undefined;

  readonly #onClose = (): void => this.#exits.left();
}
