// What can be asked of a session; time and new ids come with the command.
import type {
  AgentId,
  JsonObject,
  MessageId,
  MessageType,
  Metadata,
  Name,
  ParticipantInput,
  Priority,
  SessionId,
  StepName,
  TaskId,
  TaskStatus,
  Timestamp,
  UpdateWorkflow,
  UserId,
  WorkflowStepInput,
  WorkspaceId,
} from '../../protocol/types.gen.ts';

interface CommandHeader {
  session_id: SessionId;
  /** When it is decided; UTC with milliseconds. */
  at: Timestamp;
}

export interface CreateSessionCommand extends CommandHeader {
  type: 'create_session';
  name: Name;
  user_id: UserId | null;
  workspace_id: WorkspaceId;
  orchestrator: AgentId | null;
  participants: ParticipantInput[];
  steps: WorkflowStepInput[];
  shared_context: JsonObject;
  auto_advance: boolean;
  /** Most active participants, the orchestrator included. */
  max_participants: number;
}

export interface AddParticipantCommand extends CommandHeader {
  type: 'add_participant';
  participant: ParticipantInput;
  max_participants: number;
}

export interface RemoveParticipantCommand extends CommandHeader {
  type: 'remove_participant';
  agent_id: AgentId;
}

export interface UpdateWorkflowCommand extends CommandHeader {
  type: 'update_workflow';
  update: UpdateWorkflow;
}

interface AdvanceWorkflowCommand extends CommandHeader {
  type: 'advance_workflow';
}

export interface UpdateContextCommand extends CommandHeader {
  type: 'update_context';
  mode: 'merge' | 'replace';
  context: JsonObject;
  /** Refused where the context has another version. */
  expected_version?: number;
}

/** What correlation needs of an accepted envelope. */
export interface SessionMessage {
  message_id: MessageId;
  message_type: MessageType;
  sender: AgentId;
  recipient: AgentId;
  priority: Priority;
  payload: unknown;
  metadata?: Metadata;
}

export interface RecordMessageCommand extends CommandHeader {
  type: 'record_message';
  message: SessionMessage;
  /** Of the task that a request asks for. */
  task?: { task_id: TaskId; deadline: Timestamp };
}

export interface DelegateTaskCommand extends CommandHeader {
  type: 'delegate_task';
  task_id: TaskId;
  /** The orchestrator where left out. */
  delegator?: AgentId;
  delegatee: AgentId;
  task_type: string;
  /** Bound like a message's where left out. */
  step?: StepName;
  priority: Priority;
  deadline: Timestamp;
}

export interface UpdateTaskCommand extends CommandHeader {
  type: 'update_task';
  task_id: TaskId;
  status: TaskStatus;
  result?: unknown;
  error?: unknown;
}

/** A message of this session became a dead letter. */
export interface ReportDeadMessageCommand extends CommandHeader {
  type: 'report_dead_message';
  message_id: MessageId;
  reason: string;
}

/** Ends the tasks whose deadline has come, and the session if nothing has happened in it since. */
export interface ExpireCommand extends CommandHeader {
  type: 'expire';
  idle_since: Timestamp;
}

export interface CompleteSessionCommand extends CommandHeader {
  type: 'complete_session';
  summary?: string;
  artifacts?: unknown[];
}

export interface TerminateSessionCommand extends CommandHeader {
  type: 'terminate_session';
  reason: string;
  details?: unknown;
}

export type SessionCommand =
  | CreateSessionCommand
  | AddParticipantCommand
  | RemoveParticipantCommand
  | UpdateWorkflowCommand
  | AdvanceWorkflowCommand
  | UpdateContextCommand
  | RecordMessageCommand
  | DelegateTaskCommand
  | UpdateTaskCommand
  | ReportDeadMessageCommand
  | ExpireCommand
  | CompleteSessionCommand
  | TerminateSessionCommand;
