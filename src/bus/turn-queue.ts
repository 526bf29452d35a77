// Who may speak next in a chat: one at a time, in the order in which they came.
import { BusError } from '../protocol/errors.ts';

/** More than these do not wait for one chat. */
const longestQueue = 100;

export class TurnQueue {
  readonly #waiting = new Map<string, (() => void)[]>();

  /**
   * Resolves when it is the caller's turn, which lasts until the signal is aborted: whoever just never came back would keep
   * all others waiting.
   * @throws BusError CHAT_BUSY where too many wait already; the reason of the signal where it was aborted before that
   */
  async enter(chat: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const waiting = this.#waiting.get(chat);
    if (!waiting) this.#waiting.set(chat, []);
    else if (waiting.length < longestQueue) await placeIn(waiting, signal);
    else throw new BusError('CHAT_BUSY', `${longestQueue} messages wait for this chat already; let it answer first.`);
    signal.addEventListener('abort', () => this.#next(chat), { once: true });
    // In the moment in which it was its turn.
    if (!signal.aborted) return;
    this.#next(chat);
    throw signal.reason;
  }

  #next(chat: string): void {
    const next = this.#waiting.get(chat)?.shift();
    if (next) next();
    else this.#waiting.delete(chat);
  }
}

function placeIn(waiting: (() => void)[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
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
}
