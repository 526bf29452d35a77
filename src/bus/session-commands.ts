// From the arguments of the session manager's methods to commands: checked, copied, with a time and new ids.
import { boundedCopy } from '../core/json/copy.ts';
import type {
  CreateSessionCommand,
  DelegateTaskCommand,
  RecordMessageCommand,
  SessionMessage,
} from '../core/session/commands.ts';
import { checkedName, invalid } from '../core/session/names.ts';
import { timestampOf } from '../core/session/timestamp.ts';
import type {
  AgentId,
  JsonObject,
  Metadata,
  Name,
  ParticipantInput,
  Priority,
  SessionId,
  StepName,
  TaskId,
  UserId,
  WorkflowStepInput,
  WorkspaceId,
} from '../protocol/types.gen.ts';
import { agentId, jsonObject, participantInputs, priority, stepInputs, text } from './session-input.ts';

/** What a new session is made of; everything has a default. */
export interface NewSession {
  /** The session id where left out. */
  name?: Name;
  userId?: UserId;
  /** `default` where left out. */
  workspaceId?: WorkspaceId;
  orchestrator?: AgentId;
  participants?: readonly ParticipantInput[];
  workflow?: readonly WorkflowStepInput[];
  sharedContext?: JsonObject;
  sessionId?: SessionId;
}

export interface NewTask {
  delegatee: AgentId;
  /** The orchestrator where left out. */
  delegator?: AgentId;
  /** `task` where left out. */
  task_type?: string;
  /** Bound like the task of a message where left out. */
  step?: StepName;
  /** `medium` where left out. */
  priority?: Priority;
  /** Milliseconds from now until it times out. */
  timeoutMs?: number;
  task_id?: TaskId;
}

/** An accepted envelope of a session. */
export interface NewMessage extends SessionMessage {
  session_id: SessionId;
  /** When a task it asks for times out, in milliseconds since the epoch. */
  deadline: number;
  /** When it was accepted, in milliseconds since the epoch; now where left out. */
  at?: number;
}

export interface CommandDefaults {
  newId: (prefix: 'sess' | 'task') => string;
  autoAdvance: boolean;
  defaultTaskTimeoutMs: number;
  maxParticipants: number;
}

/** @throws BusError VALIDATION_FAILED */
export function createSessionCommand(input: NewSession, now: number, defaults: CommandDefaults): CreateSessionCommand {
  const { sessionId, name, userId, workspaceId, orchestrator } = input;
  const session_id =
    sessionId === undefined ? defaults.newId('sess') : checkedName('SessionId', 'sessionId', sessionId);
  return {
    type: 'create_session',
    session_id,
    at: timestampOf(now),
    name: name === undefined ? session_id : checkedName('Name', 'name', name),
    user_id: userId === undefined ? null : checkedName('UserId', 'userId', userId),
    workspace_id: workspaceId === undefined ? 'default' : checkedName('WorkspaceId', 'workspaceId', workspaceId),
    orchestrator: orchestrator === undefined ? null : agentId('orchestrator', orchestrator),
    participants: participantInputs(input.participants ?? []),
    steps: stepInputs(input.workflow ?? []),
    shared_context: jsonObject('sharedContext', input.sharedContext ?? {}),
    auto_advance: defaults.autoAdvance,
    max_participants: defaults.maxParticipants,
  };
}

/** @throws BusError VALIDATION_FAILED */
export function delegateTaskCommand(
  session_id: SessionId,
  input: NewTask,
  now: number,
  defaults: CommandDefaults,
): DelegateTaskCommand {
  const { delegator, step, timeoutMs = defaults.defaultTaskTimeoutMs } = input;
  if (!Number.isSafeInteger(timeoutMs) || timeoutMs < 1) throw invalid('timeoutMs', 'must be a whole number above 0');
  return {
    type: 'delegate_task',
    session_id,
    at: timestampOf(now),
    task_id: input.task_id === undefined ? defaults.newId('task') : checkedName('TaskId', 'task_id', input.task_id),
    delegatee: agentId('delegatee', input.delegatee),
    ...(delegator === undefined ? {} : { delegator: agentId('delegator', delegator) }),
    task_type: input.task_type === undefined ? 'task' : text('task_type', input.task_type, 128, 1),
    ...(step === undefined ? {} : { step: checkedName('StepName', 'step', step) }),
    priority: input.priority === undefined ? 'medium' : priority(input.priority),
    deadline: timestampOf(now + timeoutMs),
  };
}

/**
 * The envelope was validated when it was accepted.
 * @throws BusError VALIDATION_FAILED for an answer nested too deeply to be kept
 */
export function recordMessageCommand(input: NewMessage, now: number, defaults: CommandDefaults): RecordMessageCommand {
  const isRequest = input.message_type === 'task_request';
  const message: SessionMessage = {
    message_id: input.message_id,
    message_type: input.message_type,
    sender: input.sender,
    recipient: input.recipient,
    priority: input.priority,
    // Of a request only the type of its task is kept.
    payload: isRequest ? input.payload : boundedCopy(input.payload),
  };
  if (input.metadata) message.metadata = correlationOf(input.metadata);
  const command: RecordMessageCommand = {
    type: 'record_message',
    session_id: input.session_id,
    at: timestampOf(input.at ?? now),
    message,
  };
  if (isRequest) {
    const task_id = input.metadata?.task_id ?? defaults.newId('task');
    command.task = { task_id, deadline: timestampOf(input.deadline) };
  }
  return command;
}

/** The keys that steer correlation; the rest is the agents' own. */
function correlationOf({ task_id, in_reply_to, step }: Metadata): Metadata {
  const keys: Metadata = {};
  if (task_id !== undefined) keys.task_id = task_id;
  if (in_reply_to !== undefined) keys.in_reply_to = in_reply_to;
  if (step !== undefined) keys.step = step;
  return keys;
}
