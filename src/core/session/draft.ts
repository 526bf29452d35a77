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
  /** The session as it would be after one more event. */
  after(body: SessionEventBody): SessionAggregate;
}

export function draftOn(state: SessionAggregate, at: Timestamp): Draft {
  const events: SessionEvent[] = [];
  let current = state;
  const following = (body: SessionEventBody) => nextEvent(current, state.session.session_id, at, body);
  const after = (event: SessionEvent): SessionAggregate => evolve(current, event) ?? current;
  return {
    at,
    events,
    get state() {
      return current;
    },
    record(body) {
      const event = following(body);
      events.push(event);
      current = after(event);
    },
    after: (body) => after(following(body)),
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
