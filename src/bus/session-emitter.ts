// Hands events out in order, as copies, and keeps what a listener throws away from the caller.
import { EventEmitter } from 'node:events';
import { copyJson } from '../core/json/copy.ts';
import type { SessionEvent, SessionId } from '../protocol/types.gen.ts';
import type { SessionManagerEvents } from './session-milestones.ts';

type Listener = (payload: unknown) => void;

export class SessionEmitter extends EventEmitter<SessionManagerEvents> {
  readonly #queue: (() => void)[] = [];

  protected emitMilestone(event: SessionEvent): void {
    this.#deliver(event.type, () => {
      const copy = copyJson(event);
      return { ...copy.data, ...about(copy.session_id), event: copy };
    });
  }

  protected emitRecorded(event: SessionEvent): void {
    this.#deliver('recorded', () => copyJson(event));
  }

  protected emitDeleted(sessionId: SessionId): void {
    this.#deliver('session_deleted', () => about(sessionId));
  }

  /** What a listener brings about is delivered after what it was called for. */
  #deliver(name: keyof SessionManagerEvents, payload: () => unknown): void {
    if (this.listenerCount(name) === 0) return;
    this.#queue.push(() => this.#call(name, payload()));
    if (this.#queue.length > 1) return;
    for (let next = this.#queue[0]; next; next = this.#queue[0]) {
      next();
      this.#queue.shift();
    }
  }

  #call(name: keyof SessionManagerEvents, payload: unknown): void {
    for (const listener of this.rawListeners(name)) {
      try {
        Reflect.apply(listener as Listener, this, [payload]);
      } catch (error) {
        // A fault in an observer is neither the caller's nor the next observer's.
        process.emitWarning(error instanceof Error ? error : String(error));
      }
    }
  }
}

function about(sessionId: SessionId): { sessionId: SessionId; session_id: SessionId } {
  return { sessionId, session_id: sessionId };
}
