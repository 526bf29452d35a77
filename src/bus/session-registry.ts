// Every session there is: loaded, run, woken by the clock and removed here.
import type { SessionCommand } from '../core/session/commands.ts';
import { assertFound, type SessionAggregate, unknownSession } from '../core/session/state.ts';
import { dueTasks } from '../core/session/task-index.ts';
import { hasFallbacks } from '../core/session/tasks.ts';
import { timestampOf } from '../core/session/timestamp.ts';
import type { Clock } from '../ports/clock.ts';
import type { SessionLog } from '../ports/session-log.ts';
import { BusError } from '../protocol/errors.ts';
import type { MessageId, SessionEvent, SessionId, Task, TaskId } from '../protocol/types.gen.ts';
import { SessionLimit } from './session-limit.ts';
import { SessionStream } from './session-stream.ts';
import { dueAt, type SessionLifetimes, SessionTimers } from './session-timers.ts';

export interface SessionObserver {
  /** In memory, in the turn of the command. */
  happened(event: SessionEvent): void;
  /** Durable. */
  recorded(event: SessionEvent): void;
  deleted(sessionId: SessionId): void;
}

export interface SessionRegistryDeps {
  log: SessionLog;
  clock: Clock;
  lifetimes: SessionLifetimes;
  /** None where left out. */
  limit?: SessionLimit | undefined;
  /** Whether delivery may still hand the message on to a fallback; never rejects. */
  mayGoOn: (messageId: MessageId) => Promise<boolean>;
}

/** A session that is gone from memory and not yet from the log. */
interface Removal {
  state: SessionAggregate;
  done: Promise<void>;
}

export class SessionRegistry {
  readonly #log: SessionLog;
  readonly #clock: Clock;
  readonly #lifetimes: SessionLifetimes;
  readonly #limit: SessionLimit;
  readonly #mayGoOn: SessionRegistryDeps['mayGoOn'];
  readonly #observer: SessionObserver;
  readonly #streams = new Map<SessionId, SessionStream>();
  readonly #removals = new Map<SessionId, Removal>();
  readonly #timers: SessionTimers;
  readonly #untold: (() => void)[] = [];
  #isTelling = false;
  #closed = false;

  constructor(
    { log, clock, lifetimes, limit = new SessionLimit(), mayGoOn }: SessionRegistryDeps,
    observer: SessionObserver,
  ) {
    this.#log = log;
    this.#clock = clock;
    this.#lifetimes = lifetimes;
    this.#limit = limit;
    this.#mayGoOn = mayGoOn;
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

  /** As it is, or was when its removal began. */
  lastOf(sessionId: SessionId): SessionAggregate | undefined {
    return this.find(sessionId) ?? this.#removals.get(sessionId)?.state;
  }

  /** Whether it takes commands: it is active, and its log has not failed. */
  isRunning(sessionId: SessionId): boolean {
    const stream = this.#streams.get(sessionId);
    return stream?.state?.session.state === 'active' && !stream.failed;
  }

  /** Every session, or the one that is named. */
  *all(only?: SessionId): Generator<SessionAggregate, void, undefined> {
    const named = only === undefined ? undefined : this.#streams.get(only);
    const streams = only === undefined ? this.#streams.values() : named ? [named] : [];
    for (const { state } of streams) if (state) yield state;
  }

  /** The session after the command. @throws BusError of the decision, SESSION_NOT_FOUND, SESSION_LIMIT, STORE_FAILED, SHUTTING_DOWN */
  run(command: SessionCommand): SessionAggregate {
    if (this.#closed) throw new BusError('SHUTTING_DOWN', 'The bus is stopping; try again when it is back.');
    const { session_id: sessionId } = command;
    const stream = command.type === 'create_session' ? this.#streamFor(sessionId) : this.#streams.get(sessionId);
    assertFound(stream, sessionId);
    if (command.type === 'create_session' && !stream.state) this.#limit.assertRoom();
    const events = stream.run(command);
    this.#streams.set(sessionId, stream);
    assertFound(stream.state, sessionId);
    const { state } = stream;
    this.#watch(sessionId);
    this.#tell(events.map((event) => () => this.#observer.happened(event)));
    return state;
  }

  /** In the order in which it happened, also where an observer runs a command of its own in the middle of that. */
  #tell(news: readonly (() => void)[]): void {
    this.#untold.push(...news);
    if (this.#isTelling) return;
    this.#isTelling = true;
    try {
      for (let tell = this.#untold.shift(); tell; tell = this.#untold.shift()) tell();
    } finally {
      this.#isTelling = false;
    }
  }

  /** Resolves when what was run for the session is durable; rejects with what kept it from that. */
  settled(sessionId: SessionId): Promise<void> {
    const waiting = this.#removals.get(sessionId)?.done ?? this.#streams.get(sessionId)?.settled();
    return waiting ?? Promise.reject(unknownSession(sessionId));
  }

  /** Forgets a session at once, and in the log as soon as may be: `settled` waits for that. @throws BusError SESSION_NOT_FOUND */
  remove(sessionId: SessionId): void {
    const stream = this.#streams.get(sessionId);
    if (!stream?.state) throw unknownSession(sessionId);
    const { state } = stream;
    this.#streams.delete(sessionId);
    this.#limit.note(stream, false);
    this.#timers.forget(sessionId);
    const done = stream.remove().finally(() => this.#removals.delete(sessionId));
    // Whoever waits is told; nobody has to wait.
    done.catch(() => undefined);
    this.#removals.set(sessionId, { state, done });
    this.#tell([() => this.#observer.deleted(sessionId)]);
  }

  /** Takes no more commands, stops the clock and waits for the writes on their way, failed or not. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timers.clear();
    const streams = [...this.#streams.values()].map((stream) => stream.settled());
    const removals = [...this.#removals.values()].map(({ done }) => done);
    await Promise.allSettled([...streams, ...removals]);
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
    const stream = this.#streams.get(sessionId);
    const state = stream?.state;
    if (stream) this.#limit.note(stream, state?.session.state === 'active');
    if (this.#closed || !state) this.#timers.forget(sessionId);
    else this.#timers.wakeBy(sessionId, dueAt(state, this.#lifetimes, this.#clock.now()));
  }

  /** Does what the time demands; the session may have moved on since the timer was set. */
  #wake(sessionId: SessionId): void {
    const stream = this.#streams.get(sessionId);
    const state = stream?.state;
    // A stream whose write failed changes no more.
    if (!state || stream.failed) return;
    const now = this.#clock.now();
    const undecided = [...dueTasks(state.tasks, timestampOf(now))].filter(hasFallbacks);
    if (state.session.state === 'active' && undecided.length > 0) void this.#expireDecided(sessionId, undecided);
    else if (dueAt(state, this.#lifetimes, now) > now) this.#watch(sessionId);
    else if (state.session.state !== 'active') this.remove(sessionId);
    else this.#expire(sessionId, []);
  }

  /** A task that has come to its deadline with fallbacks left ends with it only where its message goes on to none. */
  async #expireDecided(sessionId: SessionId, tasks: readonly Task[]): Promise<void> {
    const undelegable: TaskId[] = [];
    for (const { task_id, message_id } of tasks) {
      if (message_id === null || !(await this.#mayGoOn(message_id))) undelegable.push(task_id);
    }
    const stream = this.#streams.get(sessionId);
    if (!this.#closed && stream?.state?.session.state === 'active' && !stream.failed) {
      this.#expire(sessionId, undelegable);
    }
  }

  #expire(sessionId: SessionId, undelegable: TaskId[]): void {
    const now = this.#clock.now();
    const idle_since = timestampOf(now - this.#lifetimes.sessionTimeoutMs);
    this.run({ type: 'expire', session_id: sessionId, at: timestampOf(now), idle_since, undelegable });
  }
}
