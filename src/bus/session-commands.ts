// From the arguments of the session manager's methods to commands: checked, copied, with a time and new ids.
import { boundedCopy } from '../core/json/copy.ts';
import type {
  CorrelationKeys,
  CreateSessionCommand,
  DelegateTaskCommand,
  RecordMessageCommand,
  SessionMessage,
  UpdateTaskCommand,
} from '../core/session/commands.ts';
import { checkedName, invalid } from '../core/session/names.ts';
import { timestampOf } from '../core/session/timestamp.ts';
import type {
  AgentId,
  JsonObject,
  MessageBudget,
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
import {
  agentId,
  assertFields,
  jsonObject,
  jsonValue,
  participantId,
  participantInputs,
  priority,
  stepInputs,
  text,
  wholeNumber,
} from './session-input.ts';

/** What a new session is made of; everything has a default. */
export interface NewSession {
  /** The session id where left out. */
  name?: Name | undefined;
  userId?: UserId | undefined;
  /** Of a manager of one workspace: no other than that one. `default` where left out. */
  workspaceId?: WorkspaceId | undefined;
  orchestrator?: AgentId | undefined;
  participants?: readonly ParticipantInput[] | undefined;
  workflow?: readonly WorkflowStepInput[] | undefined;
  sharedContext?: JsonObject | undefined;
  /** Most messages that the session takes; no limit where left out. */
  messageBudget?: MessageBudget | undefined;
  sessionId?: SessionId | undefined;
}

export interface NewTask {
  delegatee: AgentId;
  /** The orchestrator where left out. */
  delegator?: AgentId | undefined;
  /** `task` where left out. */
  task_type?: string | undefined;
  /** Bound like the task of a message where left out. */
  step?: StepName | undefined;
  /** `medium` where left out. */
  priority?: Priority | undefined;
  /** Milliseconds from now until it times out. */
  timeoutMs?: number | undefined;
  task_id?: TaskId | undefined;
}

/** What a task that is moved by hand is told beside its status. */
export interface TaskMove {
  result?: unknown;
  error?: unknown;
  /** Who moves it: only the delegatee may, and cancel only who asked for it or leads the session. Anybody where left out. */
  agentId?: AgentId | undefined;
}

/** An accepted envelope of a session. */
export interface NewMessage extends SessionMessage {
  session_id: SessionId;
  /** When a task it asks for times out, in milliseconds since the epoch. */
  deadline: number;
  /** The agent that was asked, where the recipient is a fallback. */
  addressed_to?: AgentId;
  /** Why it went to the recipient and not to that agent. */
  routed_by?: string;
  /** Who may still get it after the recipient. */
  fallback_agents?: AgentId[];
  /** When it was accepted, in milliseconds since the epoch; now where left out. */
  at?: number;
}

export interface CommandDefaults {
  workspaceId: WorkspaceId;
  /** A session may name any workspace, and stays where it is. */
  workspacesAreLabels?: boolean;
  newId: (prefix: 'sess' | 'task') => string;
  autoAdvance: boolean;
  defaultTaskTimeoutMs: number;
  maxParticipants: number;
}

const newSessionFields: Record<keyof NewSession, true> = {
  name: true,
  userId: true,
  workspaceId: true,
  orchestrator: true,
  participants: true,
  workflow: true,
  sharedContext: true,
  messageBudget: true,
  sessionId: true,
};

/** @throws BusError VALIDATION_FAILED */
export function createSessionCommand(input: NewSession, now: number, defaults: CommandDefaults): CreateSessionCommand {
  assertFields('session', input, newSessionFields);
  const { sessionId, name, userId, workspaceId, orchestrator, messageBudget } = input;
  const session_id =
    sessionId === undefined ? defaults.newId('sess') : checkedName('SessionId', 'sessionId', sessionId);
  return {
    type: 'create_session',
    session_id,
    at: timestampOf(now),
    name: name === undefined ? session_id : checkedName('Name', 'name', name),
    user_id: userId === undefined ? null : checkedName('UserId', 'userId', userId),
    workspace_id: workspaceOf(workspaceId, defaults),
    orchestrator: orchestrator === undefined ? null : participantId('orchestrator', orchestrator),
    participants: participantInputs(input.participants ?? []),
    steps: stepInputs(input.workflow ?? []),
    shared_context: jsonObject('sharedContext', input.sharedContext ?? {}),
    auto_advance: defaults.autoAdvance,
    ...(messageBudget !== undefined && { message_budget: wholeNumber('messageBudget', messageBudget) }),
    max_participants: defaults.maxParticipants,
  };
}

function workspaceOf(
  asked: WorkspaceId | undefined,
  { workspaceId, workspacesAreLabels = false }: CommandDefaults,
): WorkspaceId {
  if (asked === undefined) return workspaceId;
  if (checkedName('WorkspaceId', 'workspaceId', asked) === workspaceId || workspacesAreLabels) return asked;
  throw invalid('workspaceId', `must be left out or ${workspaceId}: sessions of another workspace are made there`);
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

/** @throws BusError VALIDATION_FAILED */
export function taskMove({
  result,
  error,
  agentId: agent,
}: TaskMove): Pick<UpdateTaskCommand, 'result' | 'error' | 'agent_id'> {
  return {
    result: jsonValue('result', result),
    // Of an error that was thrown, JSON would keep nothing.
    error: jsonValue('error', error instanceof Error ? error.message : error),
    ...(agent !== undefined && { agent_id: agentId('agentId', agent) }),
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
    const { addressed_to, routed_by, fallback_agents } = input;
    command.task = {
      task_id: input.metadata?.task_id ?? defaults.newId('task'),
      deadline: timestampOf(input.deadline),
      ...(addressed_to !== undefined && { addressed_to }),
      ...(routed_by !== undefined && { routed_by }),
      ...(fallback_agents && { fallback_agents }),
    };
  }
  return command;
}

function correlationOf({ task_id, in_reply_to, step }: CorrelationKeys): CorrelationKeys {
  const keys: CorrelationKeys = {};
  if (task_id !== undefined) keys.task_id = task_id;
  if (in_reply_to !== undefined) keys.in_reply_to = in_reply_to;
  if (step !== undefined) keys.step = step;
  return keys;
}
