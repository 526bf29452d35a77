// A decision in the making: the events so far, and the session as it is after them.
import type { SessionEvent, SessionEventBody, SessionId, Timestamp } from '../../protocol/types.gen.ts';
import { evolve } from './evolve.ts';
import { type SessionAggregate, versionOf } from './state.ts';

export interface Draft {
  readonly at: Timestamp;
  readonly events: readonly SessionEvent[];
  /** After every event recorded so far. */
  readonly state: SessionAggregate;
  record(body: SessionEventBody): void;
}

export function draftOn(state: SessionAggregate, at: Timestamp): Draft {
  const events: SessionEvent[] = [];
  let current = state;
  return {
    at,
    events,
    get state() {
      return current;
    },
    record(body) {
      const event = nextEvent(current, current.session.session_id, at, body);
      events.push(event);
      current = evolve(current, event) ?? current;
    },
  };
}

/** The event that follows the given state; its id is the version after it. */
export function nextEvent(
  state: SessionAggregate | undefined,
  sessionId: SessionId,
  at: Timestamp,
  body: SessionEventBody,
): SessionEvent {
  return {
    id: String(versionOf(state) + 1),
    session_id: sessionId,
    at,
    ...body,
  };
}
