// When a session has to be looked at because of the time alone.
import type { SessionAggregate } from '../core/session/state.ts';
import { tasksByDeadline } from '../core/session/task-index.ts';
import { hasFallbacks } from '../core/session/tasks.ts';
import type { Clock } from '../ports/clock.ts';
import type { SessionId } from '../protocol/types.gen.ts';
import { askAgainMs } from './further-delivery.ts';

export interface SessionLifetimes {
  /** Without an event for so long an active session is terminated. */
  sessionTimeoutMs: number;
  /** An ended session is kept for so long. */
  retentionMs: number;
}

/** The next instant, in milliseconds since the epoch, at which time does something to the session. */
export function dueAt({ session, tasks }: SessionAggregate, lifetimes: SessionLifetimes, now: number): number {
  if (session.state !== 'active') return Date.parse(session.ended_at ?? session.updated_at) + lifetimes.retentionMs;
  let due = Date.parse(session.updated_at) + lifetimes.sessionTimeoutMs;
  for (const task of tasksByDeadline(tasks)) {
    const deadline = Date.parse(task.deadline);
    if (deadline > now || !hasFallbacks(task)) return Math.min(due, deadline);
    due = Math.min(due, now + askAgainMs);
  }
  return due;
}

/** One timer a session. An instant that moves later, as with every event, costs nothing: the early call looks and waits again. */
export class SessionTimers {
  readonly #clock: Clock;
  readonly #wake: (sessionId: SessionId) => void;
  readonly #timers = new Map<SessionId, { at: number; cancel: () => void }>();

  constructor(clock: Clock, wake: (sessionId: SessionId) => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  /** Sees to it that `wake` is called at that instant, or before. */
  wakeBy(sessionId: SessionId, at: number): void {
    const timer = this.#timers.get(sessionId);
    if (timer && timer.at <= at) return;
    timer?.cancel();
    // Timers may fire a little early; never at once again, or it would spin.
    const delay = Math.max(1, at - this.#clock.now());
    const cancel = this.#clock.schedule(delay, () => {
      this.#timers.delete(sessionId);
      this.#wake(sessionId);
    });
    this.#timers.set(sessionId, { at, cancel });
  }

  forget(sessionId: SessionId): void {
    this.#timers.get(sessionId)?.cancel();
    this.#timers.delete(sessionId);
  }

  clear(): void {
    for (const { cancel } of this.#timers.values()) cancel();
    this.#timers.clear();
  }
}
