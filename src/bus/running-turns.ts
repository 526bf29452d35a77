// The turns that are under way or wait, so that they can be given up.
import { BusError } from '../protocol/errors.ts';
import type { ChatId, SessionId, TurnId } from '../protocol/types.gen.ts';

/** Which turns are meant; all of them where nothing is named. */
export interface TurnAddress {
  sessionId?: SessionId;
  chatId?: ChatId;
  /** One that is under way. */
  turnId?: TurnId;
}

export interface RunningTurn extends TurnAddress {
  readonly sessionId: SessionId;
  readonly chatId: ChatId;
  /** To be aborted at the end, however it ended. */
  readonly abort: AbortController;
}

export class RunningTurns {
  readonly #all = new Set<RunningTurn>();

  /** Ends with CHAT_ABORTED where the signal of who asked fires. */
  begin(sessionId: SessionId, chatId: ChatId, signal: AbortSignal | undefined): RunningTurn {
    const abort = new AbortController();
    const onAbort = (): void => abort.abort(nobodyWaits());
    const turn: RunningTurn = { sessionId, chatId, abort };
    const end = (): void => {
      signal?.removeEventListener('abort', onAbort);
      this.#all.delete(turn);
    };
    this.#all.add(turn);
    abort.signal.addEventListener('abort', end, { once: true });
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
    return turn;
  }

  giveUp(reason: BusError, { sessionId, chatId, turnId }: TurnAddress = {}): void {
    for (const turn of this.#all) {
      if (sessionId !== undefined && turn.sessionId !== sessionId) continue;
      if (chatId !== undefined && turn.chatId !== chatId) continue;
      if (turnId !== undefined && turn.turnId !== turnId) continue;
      turn.abort.abort(reason);
    }
  }
}

export function nobodyWaits(): BusError {
  return new BusError('CHAT_ABORTED', 'Who had asked no longer waits.');
}
