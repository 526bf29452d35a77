// One socket of one agent: frames in, offers and receipts out, within its window.
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Bus, SocketReceiver } from '../bus/bus.ts';
import type { Principal } from '../bus/identity.ts';
import type { Offer } from '../ports/mailbox-store.ts';
import { BusError, closeCodeOf, type ErrorCode } from '../protocol/errors.ts';
import { type Dialect, dialectOf } from './dialects.ts';
import { toBusError } from './errors.ts';
import { FrameWriter } from './frame-writer.ts';
import { type ClientFrame, FrameError, readFrame } from './frames.ts';
import { Sending } from './sending.ts';
import { Settling } from './settling.ts';
import { Window } from './window.ts';

export interface ConnectionLimits {
  ackTimeout: number;
  maxInFlight: number;
  maxBufferedBytes: number;
  heartbeatInterval: number;
  slowReaderTimeout: number;
}

export interface ConnectionOptions {
  bus: Bus;
  webSocket: WebSocket;
  /** The TCP stream beneath, to write what belongs together at once. */
  stream: Socket;
  agentId: string;
  connectionId: string;
  principal: Principal;
  limits: ConnectionLimits;
  onError: (error: unknown) => void;
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

  constructor(options: ConnectionOptions) {
    const { agentId, bus, limits, webSocket, stream } = options;
    this.#options = options;
    this.agentId = agentId;
    this.connectionId = options.connectionId;
    this.leaseMs = limits.ackTimeout;
    this.#socket = webSocket;
    this.#dialect = dialectOf(webSocket.protocol, agentId);
    this.#window = new Window(limits.maxInFlight, () => bus.ring(agentId));
    const refuse = (error: unknown, messageId: string | undefined) => this.#refuse(error, messageId);
    this.#settling = new Settling({ bus, agentId, leaseMs: limits.ackTimeout, window: this.#window, refuse });
    this.#sending = new Sending({
      bus,
      principal: options.principal,
      webSocket,
      isBlocked: () => this.#writer.blocked,
      accepted: (receipts) => this.#say(this.#dialect.accepted(receipts)),
      refuse,
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
        bus.ring(agentId);
      },
      onTooSlow: () => {
        this.close('SLOW_READER');
        // What it has not read is in the way of the close frame.
        webSocket.terminate();
      },
    });
  }

  open(): void {
    const { bus, limits } = this.#options;
    this.#socket.on('message', (data, isBinary) => this.#onMessage(data as Buffer, isBinary));
    this.#socket.on('pong', () => {
      this.#missedPongs = 0;
      bus.agents.seen(this.agentId);
    });
    this.#socket.on('close', () => this.#onClose());
    const { queued } = bus.agents.isKnown(this.agentId) ? bus.agents.get(this.agentId) : { queued: 0 };
    this.#say(
      this.#dialect.hello({
        agent_id: this.agentId,
        connection_id: this.connectionId,
        heartbeat_interval_ms: limits.heartbeatInterval,
        max_in_flight: limits.maxInFlight,
        queued,
      }),
    );
    this.#leave = bus.connect(this);
  }

  // --- as a receiver ---

  room(): number {
    return this.#isOpen && !this.#writer.full ? this.#window.room : 0;
  }

  deliver(offers: Offer[]): void {
    this.#options.bus.counters.offered += offers.length;
    for (const { messageId, leaseEndsAt, bytes } of offers) {
      this.#window.hold(messageId, leaseEndsAt);
      this.#writer.write(bytes, this.#dialect.acks ? undefined : () => this.#settling.taken(messageId));
    }
  }

  /** Heartbeats are not kept for one who does not read. */
  forward(bytes: Buffer): void {
    if (!this.#writer.blocked) this.#writer.write(bytes);
  }

  settled(messageIds: readonly string[]): void {
    this.#window.free(messageIds);
  }

  // --- the server's side of its life ---

  /** Called every heartbeat interval: a peer that left two pings unanswered is gone. */
  tick(): void {
    // Its pongs are not read either; why it is not read has an end of its own.
    if (this.#socket.isPaused) return;
    if (this.#missedPongs >= 2) {
      this.#socket.terminate();
      return;
    }
    this.#missedPongs++;
    this.#socket.ping();
  }

  sayDraining(): void {
    this.#say(this.#dialect.draining());
  }

  close(code: ErrorCode): void {
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
      if (frame.kind === 'envelope') this.#sending.send(frame.envelope, data);
      else this.#settle(frame);
    } catch (error) {
      if (error instanceof FrameError) this.#say(this.#dialect.rejected(error.reason, error.messageId));
      else this.#refuse(error, undefined);
    }
  }

  #settle(frame: Exclude<ClientFrame, { kind: 'envelope' }>): void {
    if (!this.#dialect.acks) {
      throw new BusError(
        'VALIDATION_FAILED',
        'Only envelopes are spoken here; connect with the subprotocol agent-bus.v1.',
      );
    }
    this.#settling.settle(frame);
  }

  // --- frames out ---

  #refuse(error: unknown, messageId: string | undefined): void {
    const refusal = toBusError(error);
    if (refusal.code === 'INTERNAL') this.#options.onError(error);
    this.#say(this.#dialect.rejected(refusal, messageId));
  }

  #say(text: string | undefined): void {
    if (text !== undefined) this.#writer.write(text);
  }
}
