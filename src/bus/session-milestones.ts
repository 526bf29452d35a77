// What the session manager emits, by name.
import type { GuardTrip } from '../core/guards/guard.ts';
import type { SessionEvent, SessionEventBody, SessionId, WorkspaceId } from '../protocol/types.gen.ts';

type EventType = SessionEvent['type'];
type DataOf<T extends EventType> = Extract<SessionEventBody, { type: T }>['data'];

export interface AboutSession {
  sessionId: SessionId;
  session_id: SessionId;
  workspaceId: WorkspaceId;
}

/** The data of one event with the session it belongs to; a copy. */
export type SessionMilestone<T extends EventType = EventType> = DataOf<T> & AboutSession & { event: SessionEvent };

/**
 * Each milestone is emitted in the turn of the call that brought it about, before it is durable; where another writer
 * was first, what is recorded in the end may differ. `recorded` is what is durable, in the order of the log, from
 * whichever writer. `session_deleted` and `guard_tripped` are not part of the log.
 */
export type SessionManagerEvents = { [T in EventType]: [milestone: SessionMilestone<T>] } & {
  recorded: [event: SessionEvent];
  session_deleted: [about: AboutSession];
  guard_tripped: [trip: GuardTrip & Pick<AboutSession, 'workspaceId'>];
};

/** Every name, held against the type: one that is missing here would reach nobody beyond the manager. */
const everyEvent: Record<keyof SessionManagerEvents, true> = {
  session_created: true,
  participant_added: true,
  participant_removed: true,
  messages_withdrawn: true,
  workflow_updated: true,
  workflow_advanced: true,
  step_completed: true,
  context_updated: true,
  message_recorded: true,
  task_delegated: true,
  task_updated: true,
  task_retried: true,
  task_reassigned: true,
  task_answered_late: true,
  chat_created: true,
  chat_switched: true,
  chat_deleted: true,
  chat_turn_started: true,
  chat_turn_ended: true,
  chat_history_cleared: true,
  session_completed: true,
  session_terminated: true,
  recorded: true,
  session_deleted: true,
  guard_tripped: true,
};

export const sessionManagerEvents = Object.keys(everyEvent) as (keyof SessionManagerEvents)[];
