// Turns of chats: on record before anything is sent, ended once, whatever fails.
import { unlessAborted } from '../core/abort/unless-aborted.ts';
import { emptyHistory } from '../core/session/chat-history.ts';
import { type ChatRecord, requireChat } from '../core/session/chats.ts';
import type { SessionCommand } from '../core/session/commands.ts';
import { assertActive, assertFound, assertParticipant, type SessionAggregate } from '../core/session/state.ts';
import { timestampOf } from '../core/session/timestamp.ts';
import type { Clock } from '../ports/clock.ts';
import { BusError } from '../protocol/errors.ts';
import type { ChatId, SessionId, Timestamp, TokenUsage, TurnId } from '../protocol/types.gen.ts';
import { nobodyWaits, type RunningTurn, RunningTurns, type TurnAddress } from './running-turns.ts';
import { failedOutcome, type Outcome } from './turn-outcome.ts';
import { TurnQueue } from './turn-queue.ts';

/** What turns need of sessions. */
export interface TurnSessions {
  all(only?: SessionId): Iterable<SessionAggregate>;
  find(sessionId: SessionId): SessionAggregate | undefined;
  run(command: SessionCommand): SessionAggregate;
  /** Resolves when all of that is durable. */
  settled(sessionId: SessionId): Promise<void>;
}

export interface Question {
  sessionId: SessionId;
  /** With the history before this turn. */
  chat: ChatRecord;
  turnId: TurnId;
  content: string;
  /** Most milliseconds until the reply. */
  timeoutMs: number;
  /** Nobody wants the reply any more. */
  signal: AbortSignal;
  /** It is no part of the conversation, nor of the session. */
  isAside?: true;
}

export interface Reply {
  content: string;
  finish_reason?: string;
  usage?: TokenUsage;
}

/** Parts of the reply as they come, the whole of it in the end. */
export type Answer = AsyncGenerator<string, Reply, undefined>;

/** The same with the turn's id. */
export type Turn = AsyncGenerator<string, Reply & { turn_id: TurnId }, undefined>;

export interface TurnOptions {
  /** Most milliseconds until the reply, what was said before included. */
  timeoutMs: number;
  signal?: AbortSignal;
}

type Asked = Omit<Question, 'sessionId' | 'timeoutMs' | 'signal'>;

/** The deadline in milliseconds since the epoch. */
type Speak<R> = (turn: RunningTurn, deadline: number) => AsyncGenerator<string, R, undefined>;

export interface ChatTurnsDeps {
  sessions: TurnSessions;
  clock: Clock;
  newTurnId: () => TurnId;
  /** Asks whom the chat is with. */
  answer: (question: Question) => Answer;
}

export class ChatTurns {
  readonly #deps: ChatTurnsDeps;
  readonly #queue = new TurnQueue();
  readonly #running = new RunningTurns();
  #closed = false;

  constructor(deps: ChatTurnsDeps) {
    this.#deps = deps;
  }

  /** At the start: what is open in the log gets no reply any more. */
  interruptOpen(): void {
    for (const { session, chats } of this.#deps.sessions.all()) {
      for (const { chat_id, open } of chats.all) {
        if (open) this.#tryEnd(session.session_id, chat_id, open.turn_id, { status: 'interrupted' });
      }
    }
  }

  /**
   * Says something in a chat when all that was said before has its reply. Whoever stops listening ends the turn.
   * @returns the reply, once it is durable
   * @throws BusError CHAT_NOT_FOUND, CHAT_BUSY, CHAT_ABORTED, CHAT_TIMEOUT, SESSION_NOT_FOUND, SESSION_ENDED,
   *   STORE_FAILED, SHUTTING_DOWN; NOT_A_PARTICIPANT, BUDGET_EXHAUSTED of an agent; what the other side refuses
   */
  turn(sessionId: SessionId, chatId: ChatId, content: string, options: TurnOptions): Turn {
    return this.#whenFree(sessionId, chatId, options, (turn, deadline) => this.#take(turn, deadline, content));
  }

  /**
   * Asks something apart from the conversation: without its history, on no record, and in a session that is over as well.
   * Waits for the chat like a turn.
   * @throws BusError as `turn`
   */
  aside(sessionId: SessionId, chatId: ChatId, content: string, options: TurnOptions): Answer {
    return this.#whenFree(sessionId, chatId, options, (turn, deadline) => this.#ask(turn, deadline, content));
  }

  /** Speaks when it may, as long as it has time and somebody listens. */
  async *#whenFree<R>(
    sessionId: SessionId,
    chatId: ChatId,
    { timeoutMs, signal: wanted }: TurnOptions,
    speak: Speak<R>,
  ): AsyncGenerator<string, R, undefined> {
    if (this.#closed) throw stopping();
    const { clock } = this.#deps;
    const running = this.#running.begin(sessionId, chatId, wanted);
    const { abort } = running;
    const deadline = clock.now() + timeoutMs;
    const tooLate = (): void => abort.abort(new BusError('CHAT_TIMEOUT', `No reply within ${timeoutMs} ms.`));
    const cancel = clock.schedule(timeoutMs, tooLate);
    try {
      await this.#queue.enter(`${sessionId} ${chatId}`, abort.signal);
      return yield* speak(running, deadline);
    } catch (error) {
      abort.abort(error);
      throw abort.signal.reason;
    } finally {
      cancel();
      // Ends what is not over by now, where whoever listened has gone; and the next one may speak.
      abort.abort(nobodyWaits());
    }
  }

  /** Ends what is under way or waits: one turn, all of a chat, or of a session. */
  giveUp(reason: BusError, which: TurnAddress): void {
    this.#running.giveUp(reason, which);
  }

  /** Ends all that is under way or waits, and refuses what comes. */
  close(): void {
    this.#closed = true;
    this.#running.giveUp(stopping());
  }

  async *#take(turn: RunningTurn, deadline: number, content: string): Turn {
    const { sessions, newTurnId } = this.#deps;
    const { sessionId, chatId, abort } = turn;
    const { signal } = abort;
    const state = sessions.find(sessionId);
    assertActive(state, sessionId);
    const chat = requireChat(state.chats, chatId, sessionId);
    const turnId = newTurnId();
    sessions.run({ type: 'start_chat_turn', ...this.#about(sessionId), chat_id: chatId, turn_id: turnId, content });
    turn.turnId = turnId;
    const onAbort = (): void => this.#tryEnd(sessionId, chatId, turnId, failedOutcome(signal.reason));
    // Whoever was told of the beginning may have given it up at once.
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    await sessions.settled(sessionId);
    const reply = yield* this.#answer(turn, deadline, { chat, turnId, content });
    // It may have been given up in the moment in which the reply was there.
    signal.throwIfAborted();
    this.#end(sessionId, chatId, turnId, { status: 'completed', ...reply });
    await sessions.settled(sessionId);
    return { ...reply, turn_id: turnId };
  }

  async *#ask(turn: RunningTurn, deadline: number, content: string): Answer {
    const { sessions, newTurnId } = this.#deps;
    const { sessionId, chatId } = turn;
    const state = sessions.find(sessionId);
    assertFound(state, sessionId);
    const chat = { ...requireChat(state.chats, chatId, sessionId), ...emptyHistory };
    if (chat.partner.kind === 'agent') assertParticipant(state, chat.partner.agent_id);
    return yield* this.#answer(turn, deadline, { chat, turnId: newTurnId(), content, isAside: true });
  }

  #answer({ sessionId, abort: { signal } }: RunningTurn, deadline: number, asked: Asked): Answer {
    const timeoutMs = Math.max(1, deadline - this.#deps.clock.now());
    return untilAborted(this.#deps.answer({ ...asked, sessionId, timeoutMs, signal }), signal);
  }

  #end(sessionId: SessionId, chat_id: ChatId, turn_id: TurnId, outcome: Outcome): void {
    this.#deps.sessions.run({ type: 'end_chat_turn', ...this.#about(sessionId), chat_id, turn_id, outcome });
  }

  /** A turn that is over stays as it is. */
  #tryEnd(sessionId: SessionId, chatId: ChatId, turnId: TurnId, outcome: Outcome): void {
    try {
      this.#end(sessionId, chatId, turnId, outcome);
    } catch (error) {
      // The session is gone, or nothing is recorded any more: then the next start ends the turn.
      if (!(error instanceof BusError)) throw error;
    }
  }

  #about(sessionId: SessionId): { session_id: SessionId; at: Timestamp } {
    return { session_id: sessionId, at: timestampOf(this.#deps.clock.now()) };
  }
}

function stopping(): BusError {
  return new BusError('SHUTTING_DOWN', 'The bus is stopping; say it again when it is back.');
}

/** The reply without its parts. */
export async function wholeOf<R>(answer: AsyncGenerator<string, R, undefined>): Promise<R> {
  for (;;) {
    const next = await answer.next();
    if (next.done) return next.value;
  }
}

/** The same, as long as somebody wants it: who hangs is not waited for. @throws the reason of the signal */
async function* untilAborted(answer: Answer, signal: AbortSignal): Answer {
  try {
    for (;;) {
      signal.throwIfAborted();
      const next = await unlessAborted(answer.next(), signal);
      if (next.done) return next.value;
      yield next.value;
    }
  } finally {
    answer.return({ content: '' }).catch(() => undefined);
  }
}
