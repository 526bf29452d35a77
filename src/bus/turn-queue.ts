// Who may speak next in a chat: one at a time, in the order in which they came.
import { BusError } from '../protocol/errors.ts';

/** Speaks until it is called; twice is once. */
export type Done = () => void;

/** More than these do not wait for one chat. */
const longestQueue = 100;

export class TurnQueue {
  readonly #waiting = new Map<string, (() => void)[]>();

  /**
   * Resolves when it is the caller's turn.
   * @throws BusError CHAT_BUSY where too many wait already; the reason of the signal where it was aborted before that
   */
  async enter(chat: string, signal: AbortSignal): Promise<Done> {
    signal.throwIfAborted();
    const waiting = this.#waiting.get(chat);
    if (!waiting) {
      this.#waiting.set(chat, []);
      return this.#doneWith(chat);
    }
    if (waiting.length >= longestQueue) {
      throw new BusError('CHAT_BUSY', `${longestQueue} messages wait for this chat already; let it answer first.`);
    }
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        waiting.splice(waiting.indexOf(enter), 1);
        reject(signal.reason);
      };
      const enter = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      waiting.push(enter);
      signal.addEventListener('abort', leave, { once: true });
    });
    return this.#doneWith(chat);
  }

  #doneWith(chat: string): Done {
    let isDone = false;
    return () => {
      if (isDone) return;
      isDone = true;
      const next = this.#waiting.get(chat)?.shift();
      if (next) next();
      else this.#waiting.delete(chat);
    };
  }
}
