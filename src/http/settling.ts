// Ack, nack and extend of one socket: each goes to the mailbox, and frees or keeps its place in the window.
import type { WebSocket } from 'ws';
import type { Principal } from '../bus/identity.ts';
import type { RateLimit } from '../bus/rate-limit.ts';
import type { Workspace } from '../bus/workspace.ts';
import { parseDuration } from '../protocol/durations.ts';
import type { NackFrame } from '../protocol/types.gen.ts';
import type { ClientFrame } from './frames.ts';
import type { Window } from './window.ts';

export interface SettlingOptions {
  workspace: Workspace;
  agentId: string;
  leaseMs: number;
  window: Window;
  rateLimit: RateLimit;
  principal: Principal;
  webSocket: Pick<WebSocket, 'pause'>;
  /** Told that the socket may be read again, if nothing else speaks against it. */
  onFree: () => void;
  /** Told of what could not be settled. */
  refuse: (error: unknown, messageId: string | undefined) => void;
}

type SettlingFrame = Exclude<ClientFrame, { kind: 'envelope' }>;

/** A peer with more messages than this on their way to be settled is not read from: a small frame names a thousand. */
const maxUnsettled = 1_024;

export class Settling {
  readonly #options: SettlingOptions;
  #unsettled = 0;
  #taken: string[] = [];

  constructor(options: SettlingOptions) {
    this.#options = options;
  }

  get full(): boolean {
    return this.#unsettled >= maxUnsettled;
  }

  settle(frame: SettlingFrame): void {
    const { rateLimit, principal, refuse } = this.#options;
    try {
      rateLimit.take(principal);
    } catch (error) {
      refuse(error, firstIdOf(frame));
      return;
    }
    if (frame.kind === 'ack') this.#ack(frame.messageIds);
    else if (frame.kind === 'nack') this.#track(this.#nack(frame.frame), frame.frame.message_id);
    else this.#track(this.#extend(frame.messageId), frame.messageId);
  }

  /** The socket has taken plain frames: that is their ack. */
  taken(messageIds: readonly string[]): void {
    const isFirst = this.#taken.length === 0;
    this.#taken.push(...messageIds);
    if (!isFirst) return;
    process.nextTick(() => {
      const { workspace, agentId, window } = this.#options;
      const taken = this.#taken;
      this.#taken = [];
      window.free(taken);
      // Its agent never acked: a refusal (cancelled meanwhile, a store that failed) would say nothing to it.
      workspace.access.ackAll(agentId, taken).catch(() => undefined);
    });
  }

  #ack(messageIds: readonly string[]): void {
    const { workspace, agentId, window, refuse } = this.#options;
    window.free(messageIds);
    const settling = workspace.access.ackAll(agentId, messageIds).then((refused) => {
      for (const { messageId, error } of refused) refuse(error, messageId);
    });
    this.#track(settling, messageIds[0], messageIds.length);
  }

  async #nack({ message_id: messageId, delay, requeue, reason }: NackFrame): Promise<void> {
    const { workspace, agentId, window } = this.#options;
    window.free([messageId]);
    await workspace.access.nack(agentId, messageId, {
      ...(delay !== undefined && { delayMs: parseDuration(delay) }),
      ...(requeue === false && { giveUp: true }),
      ...(reason !== undefined && { reason }),
    });
  }

  async #extend(messageId: string): Promise<void> {
    const { workspace, agentId, leaseMs, window } = this.#options;
    await workspace.access.extend(agentId, messageId);
    window.extend(messageId, Date.now() + leaseMs);
  }

  #track(settling: Promise<void>, messageId: string | undefined, count = 1): void {
    const { webSocket, onFree, refuse } = this.#options;
    this.#unsettled += count;
    if (this.full) webSocket.pause();
    const settled = (): void => {
      const wasFull = this.full;
      this.#unsettled -= count;
      if (wasFull && !this.full) onFree();
    };
    settling.then(settled, (error: unknown) => {
      refuse(error, messageId);
      settled();
    });
  }
}

function firstIdOf(frame: SettlingFrame): string | undefined {
  if (frame.kind === 'ack') return frame.messageIds[0];
  return frame.kind === 'nack' ? frame.frame.message_id : frame.messageId;
}
