// Ack, nack and extend of one socket: each goes to the mailbox, and frees or keeps its place in the window.
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
  /** Told of what could not be settled. */
  refuse: (error: unknown, messageId: string | undefined) => void;
}

export class Settling {
  readonly #options: SettlingOptions;
  #taken: string[] = [];

  constructor(options: SettlingOptions) {
    this.#options = options;
  }

  settle(frame: Exclude<ClientFrame, { kind: 'envelope' }>): void {
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
    workspace.access.ackAll(agentId, messageIds).then(
      (refused) => {
        for (const { messageId, error } of refused) refuse(error, messageId);
      },
      (error: unknown) => refuse(error, messageIds[0]),
    );
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

  #track(settling: Promise<void>, messageId: string): void {
    settling.catch((error: unknown) => this.#options.refuse(error, messageId));
  }
}
