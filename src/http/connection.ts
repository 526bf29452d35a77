// One socket of one agent: frames in, offers and receipts out, within its window.
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Counters } from '../bus/counters.ts';
import type { Principal } from '../bus/identity.ts';
import type { RateLimit } from '../bus/rate-limit.ts';
import { assertScope } from '../bus/scopes.ts';
import type { SocketReceiver, Workspace } from '../bus/workspace.ts';
import type { Offer } from '../ports/mailbox-store.ts';
import { BusError, closeCodeOf, type ErrorCode } from '../protocol/errors.ts';
import { type Dialect, dialectOf } from './dialects.ts';
import { toBusError } from './errors.ts';
import { FrameWriter } from './frame-writer.ts';
import { type ClientFrame, FrameError, readFrame } from './frames.ts';
import { framePolicy } from './policy.ts';
import { Sending } from './sending.ts';
import type { Sent } from './sent.ts';
import { Settling } from './settling.ts';
import { Window } from './window.ts';

/** So many unreadable frames one behind the other are no mistake: each costs more to refuse than to send. */
const maxInvalidInARow = 100;

export interface ConnectionLimits {
  ackTimeout: number;
  maxInFlight: number;
  maxBufferedBytes: number;
  heartbeatInterval: number;
  slowReaderTimeout: number;
}

export interface ConnectionOptions {
  workspace: Workspace;
  counters: Counters;
  rateLimit: RateLimit;
  webSocket: WebSocket;
  /** The TCP stream beneath, to write what belongs together at once. */
  stream: Socket;
  agentId: string;
  connectionId: string;
  principal: Principal;
  limits: ConnectionLimits;
  onError: (error: unknown) => void;
  /** Told of what this socket was refused, and of which envelope. */
  onRefusal: (refusal: BusError, sent?: Sent) => void;
}

export class Connection implements SocketReceiver {
  readonly door = 'websocket';
  readonly agentId: string;
  readonly connectionId: string;
  readonly leaseMs: number;
  readonly #options: ConnectionOptions;
  readonly #socket: WebSocket;
  readonly #dialect: Dialect;
  readonly #window: Window;
  readonly #writer: FrameWriter;
  readonly #sending: Sending;
  readonly #settling: Settling;
  #leave: (() => void) | undefined;
  /** Pings that were not answered. */
  #missedPongs = 0;
  /** Frames since the last one that could be read. */
  #invalidInARow = 0;
  /** Whether the last call of `tick` let an interval's first half pass. */
  #rested = false;

  constructor(options: ConnectionOptions) {
    const { agentId, workspace, limits, webSocket, stream, rateLimit, principal } = options;
    this.#options = options;
    this.agentId = agentId;
    this.connectionId = options.connectionId;
    this.leaseMs = limits.ackTimeout;
    this.#socket = webSocket;
    this.#dialect = dialectOf(webSocket.protocol, agentId);
    this.#window = new Window(limits.maxInFlight, () => workspace.ring(agentId));
    const refuse = (error: unknown, messageId: string | undefined) => this.#refuse(error, messageId);
    this.#settling = new Settling({
      ...{ workspace, agentId, rateLimit, principal, webSocket, refuse, window: this.#window, leaseMs: this.leaseMs },
      onFree: () => this.#sending.readOn(),
    });
    this.#sending = new Sending({
      ...{ workspace, rateLimit, principal, webSocket },
      isBlocked: () => this.#writer.blocked || this.#settling.full,
      accepted: (receipts) => this.#say(this.#dialect.accepted(receipts)),
      refuse: (error, sent) => this.#refuse(error, sent.message_id, sent),
    });
    this.#writer = new FrameWriter({
      webSocket,
      stream,
      maxBufferedBytes: limits.maxBufferedBytes,
      slowReaderTimeout: limits.slowReaderTimeout,
      // What it sends would be answered: unread answers are bounded as well.
      onBlocked: () => webSocket.pause(),
      onFree: () => {
        this.#sending.readOn();
        workspace.ring(agentId);
      },
      onTooSlow: () => {
        this.close('SLOW_READER');
        // What it has not read is in the way of the close frame.
        webSocket.terminate();
      },
    });
  }

  open(): void {
    const { workspace, limits } = this.#options;
    this.#socket.on('message', (data, isBinary) => this.#onMessage(data as Buffer, isBinary));
    this.#socket.on('pong', () => {
      this.#missedPongs = 0;
      this.#rested = false;
      workspace.agents.seen(this.agentId);
    });
    this.#socket.on('close', () => this.#onClose());
    const { queued } = workspace.agents.isKnown(this.agentId) ? workspace.agents.get(this.agentId) : { queued: 0 };
    this.#say(
      this.#dialect.hello({
        agent_id: this.agentId,
        connection_id: this.connectionId,
        heartbeat_interval_ms: limits.heartbeatInterval,
        max_in_flight: limits.maxInFlight,
        queued,
      }),
    );
    this.#leave = workspace.connect(this, this.#options.principal.userId);
  }

  // --- as a receiver ---

  room(): number {
    return this.#isOpen && !this.#writer.full ? this.#window.room : 0;
  }

  deliver(offers: Offer[]): void {
    this.#options.counters.offered += offers.length;
    for (const { messageId, leaseEndsAt } of offers) this.#window.hold(messageId, leaseEndsAt);
    const taken = (): void => this.#settling.taken(offers.map(({ messageId }) => messageId));
    this.#writer.write(
      offers.map(({ bytes }) => bytes),
      this.#dialect.acks ? undefined : taken,
    );
  }

  /** Heartbeats are not kept for one who does not read. */
  forward(bytes: Buffer): void {
    if (!this.#writer.blocked) this.#writer.write([bytes]);
  }

  settled(messageIds: readonly string[]): void {
    this.#window.free(messageIds);
  }

  // --- the server's side of its life ---

  /**
   * Called twice each heartbeat interval: a ping at every other call, and at every call while one is unanswered, so that
   * a peer that leaves two unanswered is gone within two intervals of its last sign of life.
   */
  tick(): void {
    // Its pongs are not read either; why it is not read has an end of its own.
    if (this.#socket.isPaused) return;
    if (this.#missedPongs >= 2) {
      this.#socket.terminate();
      return;
    }
    this.#rested = !this.#rested;
    if (this.#missedPongs === 0 && this.#rested) return;
    this.#missedPongs++;
    this.#socket.ping();
  }

  sayDraining(): void {
    this.#say(this.#dialect.draining());
  }

  close(code: ErrorCode, reason?: BusError): void {
    this.#sending.close(reason);
    this.#socket.close(closeCodeOf(code), code);
  }

  terminate(): void {
    this.#socket.terminate();
  }

  /** True while something that it was offered or that it sent is not settled. */
  get busy(): boolean {
    return this.#window.busy || this.#sending.busy;
  }

  #onClose(): void {
    this.#sending.close();
    this.#window.close();
    this.#writer.close();
    this.#leave?.();
  }

  get #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  // --- frames in ---

  #onMessage(data: Buffer, isBinary: boolean): void {
    // Nothing that comes after the close could be answered.
    if (!this.#isOpen) return;
    if (isBinary) {
      this.close('UNSUPPORTED_MEDIA_TYPE');
      return;
    }
    try {
      const frame = readFrame(data);
      this.#invalidInARow = 0;
      if (frame.kind === 'envelope') this.#sending.send(frame.envelope, data);
      else this.#settle(frame);
    } catch (error) {
      if (error instanceof FrameError) this.#refuseFrame(error);
      else this.#refuse(error, undefined);
    }
  }

  #settle(frame: Exclude<ClientFrame, { kind: 'envelope' }>): void {
    assertScope(this.#options.principal, framePolicy[frame.kind]);
    if (!this.#dialect.acks) {
      throw new BusError(
        'VALIDATION_FAILED',
        'Only envelopes are spoken here; connect with the subprotocol agent-bus.v1.',
      );
    }
    this.#settling.settle(frame);
  }

  // --- frames out ---

  #refuseFrame({ reason, messageId }: FrameError): void {
    this.#say(this.#dialect.rejected(reason, messageId));
    if (++this.#invalidInARow >= maxInvalidInARow) this.close('TOO_MANY_INVALID_FRAMES');
  }

  #refuse(error: unknown, messageId: string | undefined, sent?: Sent): void {
    const refusal = toBusError(error);
    if (refusal.code === 'INTERNAL') this.#options.onError(error);
    else this.#options.onRefusal(refusal, sent);
    this.#say(this.#dialect.rejected(refusal, messageId));
  }

  #say(text: string | undefined): void {
    if (text !== undefined) this.#writer.write([Buffer.from(text)]);
  }
}
