// What the session manager emits, by name.
import type { SessionEvent, SessionEventBody, SessionId } from '../protocol/types.gen.ts';

type EventType = SessionEvent['type'];
type DataOf<T extends EventType> = Extract<SessionEventBody, { type: T }>['data'];

interface About {
  sessionId: SessionId;
  session_id: SessionId;
}

/** The data of one event with the session it belongs to; a copy. */
export type SessionMilestone<T extends EventType = EventType> = DataOf<T> & About & { event: SessionEvent };

/**
 * Each milestone is emitted in the turn of the call that brought it about, before it is durable; where another writer
 * was first, what is recorded in the end may differ. `recorded` is what is durable, in the order of the log, from
 * whichever writer. `session_deleted` is not part of the log.
 */
export type SessionManagerEvents = { [T in EventType]: [milestone: SessionMilestone<T>] } & {
  recorded: [event: SessionEvent];
  session_deleted: [about: About];
};
