// One socket of one agent: frames in, offers and receipts out, within its window.
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Bus, SocketReceiver } from '../bus/bus.ts';
import type { Principal } from '../bus/identity.ts';
import type { Offer } from '../ports/mailbox-store.ts';
import { parseDuration } from '../protocol/durations.ts';
import { BusError, closeCodeOf, type ErrorCode } from '../protocol/errors.ts';
import type { Envelope, NackFrame, Receipt } from '../protocol/types.gen.ts';
import { type Dialect, dialectOf } from './dialects.ts';
import { toBusError } from './errors.ts';
import { FrameError, readFrame } from './frames.ts';

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

/** A sender with more envelopes than this on their way to the disk is not read from. */
const maxUnaccepted = 1_024;

export class Connection implements SocketReceiver {
  readonly door = 'websocket';
  readonly agentId: string;
  readonly connectionId: string;
  readonly leaseMs: number;
  readonly #options: ConnectionOptions;
  readonly #socket: WebSocket;
  readonly #stream: Socket;
  readonly #dialect: Dialect;
  /** When the leases of what this socket holds end, by message id. */
  readonly #leases = new Map<string, number>();
  #receipts: Receipt[] = [];
  #taken: string[] = [];
  #unaccepted = 0;
  #corked = false;
  #blockedSince: number | undefined;
  #leave: (() => void) | undefined;
  /** Pings that were not answered. */
  #missedPongs = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.agentId = options.agentId;
    this.connectionId = options.connectionId;
    this.leaseMs = options.limits.ackTimeout;
    this.#socket = options.webSocket;
    this.#stream = options.stream;
    this.#dialect = dialectOf(options.webSocket.protocol, options.agentId);
  }

  open(): void {
    const { bus, limits, onError } = this.#options;
    this.#socket.on('message', (data, isBinary) => this.#onMessage(data as Buffer, isBinary));
    this.#socket.on('pong', () => {
      this.#missedPongs = 0;
      bus.agents.seen(this.agentId);
    });
    this.#socket.on('error', onError);
    this.#socket.on('close', () => this.#leave?.());
    this.#stream.on('drain', () => this.#onDrain());
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
    const { maxInFlight, maxBufferedBytes } = this.#options.limits;
    if (this.#socket.readyState !== this.#socket.OPEN) return 0;
    if (this.#socket.bufferedAmount > maxBufferedBytes) {
      this.#blockedSince ??= Date.now();
      return 0;
    }
    if (this.#leases.size >= maxInFlight) this.#dropEndedLeases();
    return maxInFlight - this.#leases.size;
  }

  deliver(offers: Offer[]): void {
    this.#options.bus.counters.offered += offers.length;
    for (const { messageId, leaseEndsAt, bytes } of offers) {
      this.#leases.set(messageId, leaseEndsAt);
      this.#write(bytes, this.#dialect.acks ? undefined : () => this.#onTaken(messageId));
    }
  }

  forward(bytes: Buffer): void {
    this.#write(bytes);
  }

  // --- the server's side of its life ---

  /** Called every heartbeat interval: a peer that left two pings unanswered is gone, one that does not read is cut off. */
  tick(now: number): void {
    const { slowReaderTimeout } = this.#options.limits;
    if (this.#missedPongs >= 2) {
      this.#socket.terminate();
      return;
    }
    if (this.#blockedSince !== undefined && now - this.#blockedSince >= slowReaderTimeout) {
      this.close('SLOW_READER');
      // What it has not read is in the way of the close frame.
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
    return this.#leases.size > 0 || this.#unaccepted > 0;
  }

  // --- frames in ---

  #onMessage(data: Buffer, isBinary: boolean): void {
    if (isBinary) {
      this.close('UNSUPPORTED_MEDIA_TYPE');
      return;
    }
    try {
      const frame = readFrame(data);
      if (frame.kind === 'envelope') this.#send(frame.envelope, data);
      else this.#settle(frame);
    } catch (error) {
      if (!(error instanceof FrameError)) this.#options.onError(error);
      const refused = error instanceof FrameError ? error : new FrameError(toBusError(error), undefined);
      this.#say(this.#dialect.rejected(refused.reason, refused.messageId));
    }
  }

  #send(envelope: Envelope, raw: Buffer): void {
    const { bus, principal } = this.#options;
    const sync = envelope.routing?.delivery_mode === 'sync';
    try {
      bus.rateLimit.take(principal);
    } catch (error) {
      this.#refuse(error, envelope.message_id);
      return;
    }
    this.#unaccepted++;
    // Those who wait for an answer do not stop those who have it from giving it.
    if (this.#unaccepted >= maxUnaccepted && !sync) this.#socket.pause();
    bus.messages.send({ envelope, raw, principal }).then(
      (receipt) => {
        this.#accepted();
        if (this.#receipts.push(receipt) === 1) process.nextTick(() => this.#flushReceipts());
      },
      (error: unknown) => {
        this.#accepted();
        this.#refuse(error, envelope.message_id);
      },
    );
  }

  #accepted(): void {
    this.#unaccepted--;
    if (this.#socket.isPaused && this.#unaccepted < maxUnaccepted / 2) this.#socket.resume();
  }

  #flushReceipts(): void {
    const receipts = this.#receipts;
    this.#receipts = [];
    this.#say(this.#dialect.accepted(receipts));
  }

  #settle(frame: Exclude<ReturnType<typeof readFrame>, { kind: 'envelope' }>): void {
    const { access } = this.#options.bus;
    if (!this.#dialect.acks) {
      throw new FrameError(
        new BusError('VALIDATION_FAILED', 'Only envelopes are spoken here; connect with the subprotocol agent-bus.v1.'),
        undefined,
      );
    }
    if (frame.kind === 'ack') this.#ack(frame.messageIds);
    else if (frame.kind === 'nack') this.#nack(frame.frame);
    else this.#track(access.extend(this.agentId, frame.messageId), frame.messageId);
  }

  #ack(messageIds: readonly string[]): void {
    this.#free(messageIds);
    this.#options.bus.access.ackAll(this.agentId, messageIds).then(
      (refused) => {
        for (const { messageId, error } of refused) this.#refuse(error, messageId);
      },
      (error: unknown) => this.#refuse(error, messageIds[0]),
    );
  }

  #nack({ message_id: messageId, delay, requeue, reason }: NackFrame): void {
    this.#free([messageId]);
    const rejection = {
      ...(delay !== undefined && { delayMs: parseDuration(delay) }),
      ...(requeue === false && { giveUp: true }),
      ...(reason !== undefined && { reason }),
    };
    this.#track(this.#options.bus.access.nack(this.agentId, messageId, rejection), messageId);
  }

  #track(settling: Promise<unknown>, messageId: string): void {
    settling.catch((error: unknown) => this.#refuse(error, messageId));
  }

  #refuse(error: unknown, messageId: string | undefined): void {
    const refusal = toBusError(error);
    if (refusal.code === 'INTERNAL') this.#options.onError(error);
    this.#say(this.#dialect.rejected(refusal, messageId));
  }

  // --- the window ---

  /** The socket has taken a plain frame: that is its ack. */
  #onTaken(messageId: string): void {
    if (this.#taken.push(messageId) > 1) return;
    process.nextTick(() => {
      const taken = this.#taken;
      this.#taken = [];
      this.#ack(taken);
    });
  }

  #free(messageIds: readonly string[]): void {
    const wasFull = this.#leases.size >= this.#options.limits.maxInFlight;
    for (const messageId of messageIds) this.#leases.delete(messageId);
    if (wasFull) this.#options.bus.ring(this.agentId);
  }

  #dropEndedLeases(): void {
    const now = Date.now();
    for (const [messageId, endsAt] of this.#leases) if (endsAt <= now) this.#leases.delete(messageId);
  }

  #onDrain(): void {
    if (this.#blockedSince === undefined) return;
    if (this.#socket.bufferedAmount > this.#options.limits.maxBufferedBytes) return;
    this.#blockedSince = undefined;
    this.#options.bus.ring(this.agentId);
  }

  // --- frames out ---

  #say(text: string | undefined): void {
    if (text !== undefined) this.#write(text);
  }

  /** Everything written in one turn leaves in one write. */
  #write(data: string | Buffer, taken?: () => void): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (!this.#corked) {
      this.#corked = true;
      this.#stream.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#stream.uncork();
      });
    }
    this.#socket.send(data, { binary: false }, (error) => {
      if (!error) taken?.();
    });
  }
}
