// Every session there is: loaded, run, woken by the clock and removed here.
import type { SessionCommand } from '../core/session/commands.ts';
import { assertFound, type SessionAggregate } from '../core/session/state.ts';
import { timestampOf } from '../core/session/timestamp.ts';
import type { Clock } from '../ports/clock.ts';
import type { SessionLog } from '../ports/session-log.ts';
import { BusError } from '../protocol/errors.ts';
import type { SessionEvent, SessionId } from '../protocol/types.gen.ts';
import { SessionStream } from './session-stream.ts';
import { dueAt, type SessionLifetimes, SessionTimers } from './session-timers.ts';

export interface SessionObserver {
  /** In memory, in the turn of the command. */
  happened(event: SessionEvent): void;
  /** Durable. */
  recorded(event: SessionEvent): void;
  deleted(sessionId: SessionId): void;
}

export class SessionRegistry {
  readonly #log: SessionLog;
  readonly #clock: Clock;
  readonly #lifetimes: SessionLifetimes;
  readonly #observer: SessionObserver;
  readonly #streams = new Map<SessionId, SessionStream>();
  readonly #removals = new Map<SessionId, Promise<void>>();
  readonly #timers: SessionTimers;
  #closed = false;

  constructor(log: SessionLog, clock: Clock, lifetimes: SessionLifetimes, observer: SessionObserver) {
    this.#log = log;
    this.#clock = clock;
    this.#lifetimes = lifetimes;
    this.#observer = observer;
    this.#timers = new SessionTimers(clock, (sessionId) => this.#wake(sessionId));
  }

  /** Brings back every session of the log. */
  async load(): Promise<void> {
    for (const sessionId of await this.#log.sessionIds()) {
      const stream = this.#newStream(sessionId);
      await stream.load();
      this.#streams.set(sessionId, stream);
      this.#watch(sessionId);
    }
  }

  find(sessionId: SessionId): SessionAggregate | undefined {
    return this.#streams.get(sessionId)?.state;
  }

  /** @throws BusError SESSION_NOT_FOUND */
  require(sessionId: SessionId): SessionAggregate {
    const state = this.find(sessionId);
    assertFound(state, sessionId);
    return state;
  }

  *all(): Generator<SessionAggregate, void, undefined> {
    for (const { state } of this.#streams.values()) if (state) yield state;
  }

  /** The session after the command. @throws BusError of the decision, SESSION_NOT_FOUND, STORE_FAILED, SHUTTING_DOWN */
  run(command: SessionCommand): SessionAggregate {
    if (this.#closed) throw new BusError('SHUTTING_DOWN', 'The bus is stopping; try again when it is back.');
    const { session_id: sessionId } = command;
    const stream = command.type === 'create_session' ? this.#streamFor(sessionId) : this.#streams.get(sessionId);
    assertFound(stream, sessionId);
    const events = stream.run(command);
    this.#streams.set(sessionId, stream);
    assertFound(stream.state, sessionId);
    const { state } = stream;
    this.#watch(sessionId);
    for (const event of events) this.#observer.happened(event);
    return state;
  }

  /** Resolves when what was run for the session is durable; rejects with what kept it from that. */
  settled(sessionId: SessionId): Promise<void> {
    const waiting = this.#removals.get(sessionId) ?? this.#streams.get(sessionId)?.settled();
    return waiting ?? Promise.reject(notFound(sessionId));
  }

  /** Forgets a session at once, and in the log as soon as may be: `settled` waits for that. @throws BusError SESSION_NOT_FOUND */
  remove(sessionId: SessionId): void {
    const stream = this.#streams.get(sessionId);
    if (!stream?.state) throw notFound(sessionId);
    this.#streams.delete(sessionId);
    this.#timers.forget(sessionId);
    const removal = stream.remove().finally(() => this.#removals.delete(sessionId));
    // Whoever waits is told; nobody has to wait.
    removal.catch(() => undefined);
    this.#removals.set(sessionId, removal);
    this.#observer.deleted(sessionId);
  }

  /** Takes no more commands, stops the clock and waits for the writes on their way, failed or not. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timers.clear();
    const streams = [...this.#streams.values()].map((stream) => stream.settled());
    await Promise.allSettled([...streams, ...this.#removals.values()]);
  }

  #streamFor(sessionId: SessionId): SessionStream {
    if (this.#removals.has(sessionId)) {
      throw new BusError(
        'SESSION_EXISTS',
        `Session ${sessionId} is being deleted; wait for that or choose another id.`,
      );
    }
    return this.#streams.get(sessionId) ?? this.#newStream(sessionId);
  }

  #newStream(sessionId: SessionId): SessionStream {
    return new SessionStream(sessionId, this.#log, {
      recorded: (events) => {
        for (const event of events) this.#observer.recorded(event);
      },
      replaced: () => this.#watch(sessionId),
    });
  }

  #watch(sessionId: SessionId): void {
    const state = this.find(sessionId);
    if (this.#closed || !state) this.#timers.forget(sessionId);
    else this.#timers.wakeBy(sessionId, dueAt(state, this.#lifetimes));
  }

  /** Does what the time demands; the session may have moved on since the timer was set. */
  #wake(sessionId: SessionId): void {
    const stream = this.#streams.get(sessionId);
    const state = stream?.state;
    // A stream whose write failed changes no more.
    if (!state || stream.failed) return;
    const now = this.#clock.now();
    if (dueAt(state, this.#lifetimes) > now) this.#watch(sessionId);
    else if (state.session.state !== 'active') this.remove(sessionId);
    else {
      const idle_since = timestampOf(now - this.#lifetimes.sessionTimeoutMs);
      this.run({ type: 'expire', session_id: sessionId, at: timestampOf(now), idle_since });
    }
  }
}

function notFound(sessionId: SessionId): BusError {
  return new BusError('SESSION_NOT_FOUND', `There is no session ${sessionId}; create it first.`);
}
