// What a session is between two events.
import { BusError } from '../../protocol/errors.ts';
import type {
  AgentId,
  MessageId,
  Participant,
  Session,
  SessionSummary,
  StepName,
  TaskId,
  TaskRef,
} from '../../protocol/types.gen.ts';
import type { Chats } from './chats.ts';
import { get, type SortedMap } from './sorted-map.ts';
import type { TaskIndex } from './task-index.ts';

/** What a recorded message was bound to. */
interface MessageTrace {
  readonly task_id?: TaskId;
  readonly step: StepName | null;
}

/** The folded events of one session; never changed in place. */
export interface SessionAggregate {
  /** As it is on the wire. */
  readonly session: Readonly<Session>;
  readonly autoAdvance: boolean;
  readonly tasks: TaskIndex;
  readonly messages: SortedMap<MessageTrace>;
  readonly chats: Chats;
  /** The summary that was made when the session was completed, without the values that its tasks have. */
  readonly report?: Readonly<SessionSummary>;
}

export function versionOf(state: SessionAggregate | undefined): number {
  return state?.session.version ?? 0;
}

/** What a recorded message asked for, moved, or answered too late. */
export function taskOfMessage({ session, messages }: SessionAggregate, messageId: MessageId): TaskRef | undefined {
  const { task_id, step = null } = get(messages, messageId) ?? {};
  return task_id === undefined ? undefined : { task_id, session_id: session.session_id, step };
}

export function activeParticipant(state: SessionAggregate, agentId: AgentId): Participant | undefined {
  return state.session.participants.find((one) => one.agent_id === agentId && one.status === 'active');
}

/** @throws BusError NOT_A_PARTICIPANT */
export function assertParticipant(state: SessionAggregate, agentId: AgentId): void {
  if (activeParticipant(state, agentId)) return;
  throw new BusError(
    'NOT_A_PARTICIPANT',
    `${agentId} is no active participant of session ${state.session.session_id}; add it first.`,
  );
}

/** Whether the session takes so many more messages. @throws BusError BUDGET_EXHAUSTED */
export function assertRoomFor(messages: number, { session_id, message_budget, messages_used = 0 }: Session): void {
  if (message_budget === undefined || messages_used + messages <= message_budget) return;
  throw new BusError(
    'BUDGET_EXHAUSTED',
    `Session ${session_id} has used ${messages_used} of its ${message_budget} messages; go on in a new session.`,
  );
}

/** @throws BusError SESSION_NOT_FOUND */
export function assertFound<T>(state: T | undefined, sessionId: string): asserts state is T {
  if (state === undefined) throw unknownSession(sessionId);
}

export function unknownSession(sessionId: string): BusError {
  return new BusError('SESSION_NOT_FOUND', `There is no session ${sessionId}; create it first.`);
}

/** @throws BusError SESSION_NOT_FOUND or SESSION_ENDED */
export function assertActive(
  state: SessionAggregate | undefined,
  sessionId: string,
): asserts state is SessionAggregate {
  assertFound(state, sessionId);
  if (state.session.state === 'active') return;
  throw new BusError('SESSION_ENDED', `Session ${sessionId} is ${state.session.state}; start a new one.`);
}
