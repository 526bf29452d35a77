// Generated from schemas/ by `npm run generate`; do not edit.

/**
 * `scheme://name`; the scheme is the agent's framework.
 */
export type AgentId = string;
/**
 * The agent's framework; defaults to the scheme of its id.
 */
export type Framework = string;
export type JsonObject = {[key: string]: unknown};
export type Capability = string;
/**
 * RFC 3339, with a time zone.
 */
export type Timestamp = string;
/**
 * Chosen by the sender, unique for 24 hours; the bus makes `msg_` + ULID when it is left out.
 */
export type MessageId = string;
/**
 * Chosen by the creator or made by the bus (`sess_` + ULID).
 */
export type SessionId = string;
/**
 * `task_` + ULID, or what the request's `metadata.task_id` named.
 */
export type TaskId = string;
/**
 * The isolation boundary; `default` where none is named.
 */
export type WorkspaceId = string;
export type UserId = string;
/**
 * A name for people: 1 to 128 characters, none of them a control character.
 */
export type Name = string;
export type StepName = string;
export type Role = string;
/**
 * A whole number and a unit: `250ms`, `300s`, `5m`, `1h`.
 */
export type Duration = string;
export type MessageType = 'task_request' | 'task_response' | 'status_update' | 'error' | 'heartbeat';
export type Priority = 'low' | 'medium' | 'high' | 'critical';
/**
 * Milliseconds, or a whole number and a unit (`30s`).
 */
export type DurationSetting = number | string;
/**
 * One agent by id, or the least loaded online agent that has a capability.
 */
export type Recipient =
  | {agent_id: AgentId; capability?: never; framework?: Framework}
  | {agent_id?: never; capability: Capability; framework?: Framework};
/**
 * Settles one or many offers.
 */
export type AckFrame = {type: 'ack'; message_id?: MessageId; message_ids?: MessageId[]};
export type MessageStatus = 'queued' | 'offered' | 'acknowledged' | 'dead';
/**
 * One recorded change. `id` is the resume cursor: the session's version after it.
 */
export type SessionEvent = SessionEventHeader & SessionEventBody;
/**
 * Which data belongs to which type.
 */
export type SessionEventBody =
  | {type: 'session_created'; data: SessionCreatedData}
  | {type: 'participant_added'; data: ParticipantAddedData}
  | {type: 'participant_removed'; data: ParticipantRemovedData}
  | {type: 'workflow_updated'; data: WorkflowUpdatedData}
  | {type: 'workflow_advanced'; data: WorkflowAdvancedData}
  | {type: 'step_completed'; data: StepCompletedData}
  | {type: 'context_updated'; data: ContextUpdatedData}
  | {type: 'message_recorded'; data: MessageRecordedData}
  | {type: 'task_delegated'; data: TaskDelegatedData}
  | {type: 'task_updated'; data: TaskUpdatedData}
  | {type: 'task_answered_late'; data: TaskAnsweredLateData}
  | {type: 'session_completed'; data: SessionCompletedData}
  | {type: 'session_terminated'; data: SessionTerminatedData};
export type TaskStatus = 'pending' | 'in_progress' | 'completed' | 'failed' | 'timeout' | 'cancelled';
export type SessionState = 'active' | 'completed' | 'terminated';

export interface AgentDescriptor {
  agent_id: AgentId;
  framework?: Framework;
  /**
   * A list of names, or an object whose keys are the names.
   */
  capabilities: Capability[] | {[name: string]: unknown};
  endpoints?: JsonObject;
  metadata?: JsonObject;
}
/**
 * Body of `POST /agents/register`. URLs are kept, never called; `authentication` is accepted and not kept.
 */
export interface RegisterAgent {
  agent_descriptor: AgentDescriptor;
  health_check_url?: string;
  status_endpoint?: string;
  authentication?: JsonObject;
}
export interface Agent {
  agent_id: AgentId;
  framework: Framework;
  capabilities: Capability[];
  capability_details?: JsonObject;
  endpoints?: JsonObject;
  metadata?: JsonObject;
  health_check_url?: string;
  status_endpoint?: string;
  /**
   * False for an agent that only ever connected.
   */
  registered: boolean;
  online: boolean;
  /**
   * Open sockets.
   */
  connections: number;
  last_seen_at: Timestamp | null;
  /**
   * Messages that wait for an offer.
   */
  queued: number;
  /**
   * Messages offered and not yet acked.
   */
  in_flight: number;
}
export interface AgentReply {
  success: true;
  agent: Agent;
  /**
   * The agent's own credential; shown once, at the first registration.
   */
  token?: string;
}
export interface AgentList {
  success: true;
  items: Agent[];
  next?: string;
}
export interface AgentFilter {
  framework?: Framework;
  capability?: Capability;
  online?: boolean;
  limit?: number;
  after?: string;
}
/**
 * Every key may be left out. In a file as it is here, in the environment as `AGENT_BUS_` + SCREAMING_SNAKE, as a flag in --kebab-case.
 */
export interface Config {
  /**
   * TCP port; 0 picks a free one.
   */
  port?: number;
  /**
   * Address to listen on.
   */
  host?: string;
  /**
   * The bus key, printable ASCII without spaces. At least 16 characters where `host` is not loopback.
   */
  apiKey?: string;
  /**
   * Open sockets; the next upgrade gets 503.
   */
  maxConnections?: number;
  heartbeatInterval?: DurationSetting;
  messageTimeout?: DurationSetting;
  /**
   * Whether mailboxes, ids, sessions and agents are on disk and survive a crash.
   */
  persistenceEnabled?: boolean;
  /**
   * Encryption at rest. Not available in this version: `true` refuses to start.
   */
  encryptionEnabled?: boolean;
  /**
   * Where the store and the generated key live.
   */
  dataDir?: string;
  /**
   * The least severe log lines that are written.
   */
  logLevel?: 'silent' | 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';
  ackTimeout?: DurationSetting;
  /**
   * Un-acked offers per socket.
   */
  maxInFlight?: number;
  /**
   * Largest body or frame in bytes.
   */
  maxPayload?: number;
  /**
   * A socket with more than this un-read is offered nothing.
   */
  maxBufferedBytes?: number;
  slowReaderTimeout?: DurationSetting;
  /**
   * Unsettled messages of one agent; the next one gets 429.
   */
  maxMailboxMessages?: number;
  /**
   * Bytes of the unsettled envelopes of one agent; the next one gets 429.
   */
  maxMailboxBytes?: number;
  /**
   * Bytes that stay free on the disk: below them new mail gets 507, acks and reads go on.
   */
  diskReserve?: number;
  /**
   * Requests and envelopes per key and second; more get 429. 0 is no limit.
   */
  rateLimit?: number;
  offlineGrace?: DurationSetting;
  dedupeWindow?: DurationSetting;
  retention?: DurationSetting;
  sessionTimeout?: DurationSetting;
  /**
   * Whether a done step makes the next one current.
   */
  autoAdvance?: boolean;
  /**
   * `auto`: connecting registers an agent; `required`: it must be registered before.
   */
  registration?: 'auto' | 'required';
  shutdownTimeout?: DurationSetting;
}
export interface Sender {
  agent_id: AgentId;
  framework?: Framework;
  session_id?: SessionId;
}
/**
 * How often and how fast a failed attempt is repeated. Defaults: 3, exponential.
 */
export interface RetryPolicy {
  max_retries?: number;
  backoff?: 'linear' | 'exponential';
}
export interface Routing {
  timeout?: Duration;
  retry_policy?: RetryPolicy;
  /**
   * Tried in this order when the recipient cannot take the message.
   *
   * @maxItems 8
   */
  fallback_agents?:
    | []
    | [AgentId]
    | [AgentId, AgentId]
    | [AgentId, AgentId, AgentId]
    | [AgentId, AgentId, AgentId, AgentId]
    | [AgentId, AgentId, AgentId, AgentId, AgentId]
    | [AgentId, AgentId, AgentId, AgentId, AgentId, AgentId]
    | [AgentId, AgentId, AgentId, AgentId, AgentId, AgentId, AgentId]
    | [AgentId, AgentId, AgentId, AgentId, AgentId, AgentId, AgentId, AgentId];
  delivery_mode?: 'async' | 'sync';
}
/**
 * Free for the agents; the keys named here steer correlation.
 */
export interface Metadata {
  task_id?: TaskId;
  in_reply_to?: MessageId;
  step?: StepName;
  traceparent?: string;
  [k: string]: unknown | undefined;
}
/**
 * What an agent sends. Everything that has a default may be left out.
 */
export interface Envelope {
  message_id?: MessageId;
  timestamp?: Timestamp;
  sender: Sender;
  recipient: Recipient;
  message_type: MessageType;
  priority?: Priority;
  /**
   * Any JSON; `null` where left out.
   */
  payload?: unknown;
  routing?: Routing;
  metadata?: Metadata;
}
export interface CompleteRouting {
  timeout: Duration;
  retry_policy: {
    max_retries: number;
    backoff: 'linear' | 'exponential';
  };
  /**
   * @maxItems 8
   */
  fallback_agents?:
    | []
    | [AgentId]
    | [AgentId, AgentId]
    | [AgentId, AgentId, AgentId]
    | [AgentId, AgentId, AgentId, AgentId]
    | [AgentId, AgentId, AgentId, AgentId, AgentId]
    | [AgentId, AgentId, AgentId, AgentId, AgentId, AgentId]
    | [AgentId, AgentId, AgentId, AgentId, AgentId, AgentId, AgentId]
    | [AgentId, AgentId, AgentId, AgentId, AgentId, AgentId, AgentId, AgentId];
  delivery_mode: 'async' | 'sync';
}
/**
 * What an agent receives: the envelope with every default filled in.
 */
export interface CompleteEnvelope {
  message_id: MessageId;
  timestamp: Timestamp;
  sender: {
    agent_id: AgentId;
    framework: Framework;
    session_id?: SessionId;
  };
  recipient: Recipient;
  message_type: MessageType;
  priority: Priority;
  payload: unknown;
  routing: CompleteRouting;
  metadata?: Metadata;
}
/**
 * Query of the upgrade request.
 */
export interface ConnectQuery {
  agent_id: AgentId;
}
/**
 * Gives an offer back.
 */
export interface NackFrame {
  type: 'nack';
  message_id: MessageId;
  delay?: Duration;
  requeue?: boolean;
  reason?: string;
}
/**
 * Renews the lease of an offer for another `ackTimeout`.
 */
export interface ExtendFrame {
  type: 'extend';
  message_id: MessageId;
}
/**
 * The server's first frame.
 */
export interface HelloFrame {
  type: 'hello';
  agent_id: AgentId;
  connection_id: string;
  heartbeat_interval_ms: number;
  max_in_flight: number;
  queued: number;
}
/**
 * Receipts for what this socket sent; those of one turn together.
 */
export interface AcceptedFrame {
  type: 'accepted';
  /**
   * @minItems 1
   */
  receipts: [Receipt, ...Receipt[]];
}
/**
 * The sender's proof: the envelope is stored.
 */
export interface Receipt {
  success: true;
  message_id: MessageId;
  /**
   * `dropped`: a heartbeat whose recipient is offline; heartbeats are never stored.
   */
  status: 'offered' | 'queued' | 'dropped';
  duplicate?: true;
  recipient: ReceiptRecipient;
  task?: TaskRef;
  reply?: CompleteEnvelope;
}
export interface ReceiptRecipient {
  agent_id: AgentId;
  online: boolean;
  queued: number;
  last_seen_at: Timestamp | null;
  /**
   * Why this agent and not the addressed one: a capability, or a fallback and its reason.
   */
  routed_by?: string;
}
/**
 * The task and workflow step that a message was bound to.
 */
export interface TaskRef {
  task_id: TaskId;
  session_id: SessionId;
  step: StepName | null;
}
/**
 * A frame that was refused.
 */
export interface RejectedFrame {
  type: 'rejected';
  message_id?: string;
  code: string;
  error: string;
  retryable: boolean;
  errors?: ProblemDetail[];
}
export interface ProblemDetail {
  /**
   * JSON pointer into what was sent.
   */
  path: string;
  message: string;
}
/**
 * The server is about to stop: finish, then reconnect elsewhere or later.
 */
export interface DrainingFrame {
  type: 'draining';
}
/**
 * Body of `POST /messages/batch`. Each message is checked on its own.
 */
export interface Batch {
  /**
   * @minItems 1
   * @maxItems 1000
   */
  messages: [unknown, ...unknown[]];
}
export interface BatchReply {
  success: true;
  items: (Receipt | Problem)[];
}
export interface Problem {
  type: 'about:blank';
  title: string;
  /**
   * The HTTP status of this code.
   */
  status: number;
  success: false;
  /**
   * One of the error table; match this, not the text.
   */
  code: string;
  /**
   * One sentence that says what to do.
   */
  error: string;
  /**
   * Whether the same request may succeed later.
   */
  retryable: boolean;
  /**
   * In a batch: which message this is about, where it could be read.
   */
  message_id?: string;
  errors?: ProblemDetail[];
}
/**
 * One offer and how it ended.
 */
export interface Attempt {
  attempt: number;
  agent_id: AgentId;
  door: 'websocket' | 'http';
  connection_id: string;
  offered_at: Timestamp;
  ended_at?: Timestamp;
  outcome: 'open' | 'acked' | 'nacked' | 'lease_expired' | 'disconnected' | 'interrupted';
  reason?: string;
}
/**
 * Where a message is now and all that happened to it.
 */
export interface LedgerMessage {
  message_id: MessageId;
  status: MessageStatus;
  recipient_agent_id: AgentId;
  routed_by?: string;
  accepted_at: Timestamp;
  deadline: Timestamp;
  next_attempt_at?: Timestamp;
  settled_at?: Timestamp;
  /**
   * Why it is dead.
   */
  reason?: string;
  task?: TaskRef;
  attempts: Attempt[];
  /**
   * `null` where the disk has damaged it.
   */
  envelope: CompleteEnvelope | null;
}
export interface MessageReply {
  success: true;
  message: LedgerMessage;
}
export interface MessageList {
  success: true;
  items: LedgerMessage[];
  next?: string;
}
export interface PullQuery {
  /**
   * At most this many offers.
   */
  max?: number;
  wait?: Duration;
  lease?: Duration;
}
export interface PulledMessage {
  message_id: MessageId;
  attempt: number;
  lease_ends_at: Timestamp;
  envelope: CompleteEnvelope;
}
export interface PullReply {
  success: true;
  items: PulledMessage[];
}
export interface NackBody {
  delay?: Duration;
  /**
   * `false` gives the message up: fallback, else dead letter.
   */
  requeue?: boolean;
  reason?: string;
}
export interface SettleReply {
  success: true;
  message_id: MessageId;
  status: MessageStatus;
}
export interface PageQuery {
  limit?: number;
  /**
   * The `next` of the page before.
   */
  after?: string;
}
export interface SessionEventHeader {
  id: string;
  session_id: SessionId;
  at: Timestamp;
}
export interface SessionCreatedData {
  name: Name;
  user_id: UserId | null;
  workspace_id: WorkspaceId;
  orchestrator: AgentId | null;
  participants: Participant[];
  steps: WorkflowStep[];
  shared_context: JsonObject;
  auto_advance: boolean;
}
export interface Participant {
  agent_id: AgentId;
  framework: Framework;
  role: Role;
  status: 'active' | 'left';
  join_time: Timestamp;
  leave_time?: Timestamp;
}
export interface WorkflowStep {
  name: StepName;
  description?: string;
  required_agents: AgentId[];
  optional_agents: AgentId[];
  dependencies: StepName[];
}
export interface ParticipantAddedData {
  participant: Participant;
}
export interface ParticipantRemovedData {
  agent_id: AgentId;
  /**
   * Open tasks of the leaver, each followed by its own `task_updated`.
   */
  cancelled_tasks: TaskId[];
}
export interface WorkflowUpdatedData {
  current_step: StepName | null;
  completed_steps: StepName[];
  pending_steps: StepName[];
}
export interface WorkflowAdvancedData {
  from: StepName | null;
  to: StepName | null;
}
export interface StepCompletedData {
  step: StepName;
}
/**
 * `merge`: an RFC 7396 patch; `replace`: the whole context.
 */
export interface ContextUpdatedData {
  mode: 'merge' | 'replace';
  context: JsonObject;
  context_version: number;
}
/**
 * A message of this session was accepted.
 */
export interface MessageRecordedData {
  message_id: MessageId;
  message_type: MessageType;
  sender: AgentId;
  recipient: AgentId;
  task_id?: TaskId;
  step?: StepName | null;
}
export interface TaskDelegatedData {
  task: Task;
}
/**
 * The life of one `task_request`.
 */
export interface Task {
  task_id: TaskId;
  session_id: SessionId;
  step: StepName | null;
  message_id: MessageId | null;
  delegator: AgentId;
  delegatee: AgentId;
  /**
   * `payload.task_type` of the request, else `task`.
   */
  task_type: string;
  status: TaskStatus;
  priority: Priority;
  created_at: Timestamp;
  updated_at: Timestamp;
  deadline: Timestamp;
  /**
   * The payload of the response.
   */
  result?: unknown;
  /**
   * The payload of the error, or what the bus found.
   */
  error?: unknown;
  late?: LateAnswer[];
}
/**
 * An answer that came after its task was over; it changed nothing.
 */
export interface LateAnswer {
  message_id: MessageId;
  message_type: MessageType;
  at: Timestamp;
}
export interface TaskUpdatedData {
  task_id: TaskId;
  status: TaskStatus;
  message_id?: MessageId;
  result?: unknown;
  error?: unknown;
}
export interface TaskAnsweredLateData {
  task_id: TaskId;
  message_id: MessageId;
  message_type: MessageType;
}
export interface SessionCompletedData {
  summary?: string;
  artifacts?: unknown[];
}
export interface SessionTerminatedData {
  reason: string;
  details?: unknown;
  cancelled_tasks: TaskId[];
}
export interface SessionEventList {
  success: true;
  items: SessionEvent[];
  next?: string;
}
export interface ParticipantInput {
  agent_id: AgentId;
  role?: Role;
  framework?: Framework;
}
export interface WorkflowStepInput {
  name: StepName;
  description?: string;
  /**
   * @maxItems 256
   */
  required_agents: AgentId[];
  /**
   * @maxItems 256
   */
  optional_agents?: AgentId[];
  /**
   * Steps that must be completed before this one opens.
   *
   * @maxItems 256
   */
  dependencies?: StepName[];
}
export interface Workflow {
  current_step: StepName | null;
  completed_steps: StepName[];
  pending_steps: StepName[];
  steps: WorkflowStep[];
}
/**
 * How the session ended: what was handed to complete or terminate.
 */
export interface Outcome {
  summary?: string;
  artifacts?: unknown[];
  reason?: string;
  details?: unknown;
}
export interface Session {
  session_id: SessionId;
  name: Name;
  user_id: UserId | null;
  workspace_id: WorkspaceId;
  state: SessionState;
  orchestrator: AgentId | null;
  participants: Participant[];
  workflow: Workflow;
  shared_context: JsonObject;
  /**
   * Counts the changes of the shared context; the `If-Match` value.
   */
  context_version: number;
  /**
   * Counts the session's events.
   */
  version: number;
  created_at: Timestamp;
  updated_at: Timestamp;
  ended_at?: Timestamp;
  outcome?: Outcome;
}
/**
 * Body of `POST /sessions`; every field has a default.
 */
export interface CreateSession {
  session_id?: SessionId;
  name?: Name;
  user_id?: UserId;
  workspace_id?: WorkspaceId;
  orchestrator?: AgentId;
  /**
   * @maxItems 256
   */
  participants?: ParticipantInput[];
  /**
   * @maxItems 256
   */
  workflow?: WorkflowStepInput[];
  shared_context?: JsonObject;
}
/**
 * Any subset; names must be steps of the workflow.
 */
export interface UpdateWorkflow {
  current_step?: StepName | null;
  /**
   * @maxItems 256
   */
  completed_steps?: StepName[];
  /**
   * @maxItems 256
   */
  pending_steps?: StepName[];
}
export interface CompleteSession {
  summary?: string;
  /**
   * @maxItems 1000
   */
  artifacts?: unknown[];
}
export interface TerminateSession {
  reason: string;
  /**
   * Anything that explains it.
   */
  details?: unknown;
}
export interface SessionFilter {
  state?: SessionState;
  workspace_id?: WorkspaceId;
  user_id?: UserId;
  participant?: AgentId;
  name?: Name;
  limit?: number;
  after?: string;
}
export interface TaskFilter {
  status?: TaskStatus;
  agent_id?: AgentId;
  step?: StepName;
  limit?: number;
  after?: string;
}
export interface SessionReply {
  success: true;
  session_id?: SessionId;
  session: Session;
}
export interface SessionList {
  success: true;
  items: Session[];
  next?: string;
}
export interface TaskList {
  success: true;
  items: Task[];
  next?: string;
}
/**
 * What was recorded of one step; durations in milliseconds from the first request to the last answer.
 */
export interface StepSummary {
  step: StepName | null;
  state: 'completed' | 'current' | 'pending' | 'none';
  tasks: {[status in TaskStatus]: number};
  agents: AgentId[];
  duration_ms: number | null;
  results: TaskResult[];
}
/**
 * What one completed task came to.
 */
export interface TaskResult {
  agent_id: AgentId;
  task_id: TaskId;
  task_type: string;
  /**
   * `null` where the answer had none.
   */
  result: unknown;
}
/**
 * Completed tasks of one step and one task type whose results differ.
 */
export interface Conflict {
  step: StepName | null;
  task_type: string;
  results: TaskResult[];
}
/**
 * The executive summary: recorded facts only, the same for the same events.
 */
export interface SessionSummary {
  session_id: SessionId;
  name: Name;
  state: SessionState;
  created_at: Timestamp;
  updated_at: Timestamp;
  ended_at?: Timestamp;
  /**
   * From creation to the end, or to the last event.
   */
  duration_ms: number;
  participants: Participant[];
  tasks: {[status in TaskStatus]: number};
  steps: StepSummary[];
  open: Task[];
  failed: Task[];
  conflicts: Conflict[];
  artifacts: unknown[];
  outcome?: Outcome;
}
export interface SummaryReply {
  success: true;
  summary: SessionSummary;
}
export interface WorkflowProgress {
  current_step: StepName | null;
  completed_steps: StepName[];
  pending_steps: StepName[];
  total: number;
  completed: number;
  /**
   * Whole percent of the steps that are completed; 0 for a session without steps.
   */
  percent: number;
}
/**
 * The process is alive.
 */
export interface Health {
  success: true;
  status: 'ok';
  version: string;
  uptime_ms: number;
}
/**
 * The bus takes mail.
 */
export interface Ready {
  success: true;
  status: 'ready';
}
