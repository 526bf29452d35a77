// What can be asked of a session; time and new ids come with the command.
import type {
  AgentId,
  ChatId,
  ChatPartner,
  ChatTurnEndedData,
  JsonObject,
  MessageBudget,
  MessageId,
  MessageType,
  Metadata,
  Name,
  ParticipantInput,
  Priority,
  StepName,
  SynthesisOptions,
  TaskId,
  TaskStatus,
  Timestamp,
  TurnId,
  UpdateWorkflow,
  UserId,
  WorkflowStepInput,
  WorkspaceId,
} from '../../protocol/types.gen.ts';
import type { CommandHeader } from './command-header.ts';
import type {
  ReassignTaskCommand,
  ReportDeadMessageCommand,
  ReportRetryCommand,
  ReportWithdrawnMessagesCommand,
} from './message-reports.ts';

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
  message_budget?: MessageBudget;
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

/** The metadata that steers correlation; the rest is the agents' own, or the bus's. */
export type CorrelationKeys = Pick<Metadata, 'task_id' | 'in_reply_to' | 'step'>;

/** What correlation needs of an accepted envelope. */
export interface SessionMessage {
  message_id: MessageId;
  message_type: MessageType;
  sender: AgentId;
  recipient: AgentId;
  priority: Priority;
  payload: unknown;
  metadata?: CorrelationKeys;
}

export interface RequestedTask {
  task_id: TaskId;
  deadline: Timestamp;
  /** The agent that was asked, where the recipient is a fallback. */
  addressed_to?: AgentId;
  /** Why it went to the recipient and not to the agent that was asked. */
  routed_by?: string;
  /** Who may still get it after the recipient. */
  fallback_agents?: AgentId[];
}

export interface RecordMessageCommand extends CommandHeader {
  type: 'record_message';
  message: SessionMessage;
  /** Of the task that a request asks for. */
  task?: RequestedTask;
  /** One of several with the same content: as an answer it counts only with the agent that asked. */
  is_copy?: true;
}

/** All of them, or none. */
export interface RecordBroadcastCommand extends CommandHeader {
  type: 'record_broadcast';
  copies: Omit<RecordMessageCommand, 'type' | 'session_id' | 'at'>[];
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
  /** Whose move it is: refused where that agent may not; anybody's where left out. */
  agent_id?: AgentId;
  result?: unknown;
  error?: unknown;
}

/** Ends the tasks whose deadline has come, and the session if nothing has happened in it since. */
export interface ExpireCommand extends CommandHeader {
  type: 'expire';
  idle_since: Timestamp;
  /** Tasks with fallbacks left whose messages will not go on to these: they end at their deadline like all others. */
  undelegable?: TaskId[];
}

export interface CompleteSessionCommand extends CommandHeader {
  type: 'complete_session';
  summary?: string;
  artifacts?: unknown[];
  /** How the results become one; by consensus where left out. */
  synthesis?: SynthesisOptions;
}

export interface TerminateSessionCommand extends CommandHeader {
  type: 'terminate_session';
  reason: string;
  details?: unknown;
}

interface ChatCommandHeader extends CommandHeader {
  chat_id: ChatId;
}

export interface CreateChatCommand extends ChatCommandHeader {
  type: 'create_chat';
  name: Name;
  partner: ChatPartner;
  /** Most messages that are remembered. */
  history_limit: number;
  /** Most bytes of them. */
  history_byte_limit: number;
  /** Most chats of a session; 0: any number. */
  max_chats: number;
  /** Most active participants: a chat with an agent takes part, and so does its agent. */
  max_participants: number;
}

export interface SwitchChatCommand extends ChatCommandHeader {
  type: 'switch_chat';
}

export interface DeleteChatCommand extends ChatCommandHeader {
  type: 'delete_chat';
}

export interface ClearChatHistoryCommand extends ChatCommandHeader {
  type: 'clear_chat_history';
}

export interface StartChatTurnCommand extends ChatCommandHeader {
  type: 'start_chat_turn';
  turn_id: TurnId;
  content: string;
}

export interface EndChatTurnCommand extends ChatCommandHeader {
  type: 'end_chat_turn';
  turn_id: TurnId;
  outcome: Omit<ChatTurnEndedData, 'chat_id' | 'turn_id'>;
}

export type SessionCommand =
  | CreateSessionCommand
  | AddParticipantCommand
  | RemoveParticipantCommand
  | UpdateWorkflowCommand
  | AdvanceWorkflowCommand
  | UpdateContextCommand
  | RecordMessageCommand
  | RecordBroadcastCommand
  | DelegateTaskCommand
  | UpdateTaskCommand
  | ReassignTaskCommand
  | ReportRetryCommand
  | ReportDeadMessageCommand
  | ReportWithdrawnMessagesCommand
  | ExpireCommand
  | CompleteSessionCommand
  | TerminateSessionCommand
  | CreateChatCommand
  | SwitchChatCommand
  | DeleteChatCommand
  | ClearChatHistoryCommand
  | StartChatTurnCommand
  | EndChatTurnCommand;
