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

/** Every name, held against the type: one that is missing here would reach nobody beyond the manager. */
const everyEvent: Record<keyof SessionManagerEvents, true> = {
  session_created: true,
  participant_added: true,
  participant_removed: true,
  workflow_updated: true,
  workflow_advanced: true,
  step_completed: true,
  context_updated: true,
  message_recorded: true,
  task_delegated: true,
  task_updated: true,
  task_answered_late: true,
  session_completed: true,
  session_terminated: true,
  recorded: true,
  session_deleted: true,
};

export const sessionManagerEvents = Object.keys(everyEvent) as (keyof SessionManagerEvents)[];
