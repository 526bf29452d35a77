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
/**
 * Who may write to an agent: everyone in its workspace, only those who share an active session with it, or only those who are listed. Who answers a message of the agent always may.
 */
export type Contact = 'open' | 'session' | {list: AgentId[]};
export type UserId = string;
export type Capability = string;
/**
 * RFC 3339, with a time zone.
 */
export type Timestamp = string;
/**
 * The isolation boundary; `default` where none is named.
 */
export type WorkspaceId = string;
export type AuditAction =
  | 'agent_registered'
  | 'agent_updated'
  | 'agent_deleted'
  | 'session_created'
  | 'session_completed'
  | 'session_terminated'
  | 'session_deleted'
  | 'participant_added'
  | 'participant_removed'
  | 'chat_created'
  | 'chat_deleted'
  | 'chat_history_cleared'
  | 'dead_letter_redriven'
  | 'dead_letter_deleted'
  | 'key_created'
  | 'key_rotated'
  | 'key_revoked'
  | 'token_replaced'
  | 'refused';
/**
 * Who answers.
 */
export type ChatPartner = ChatModel | ChatAgent;
export type ChatRole = 'user' | 'assistant';
/**
 * `turn_` + ULID.
 */
export type TurnId = string;
/**
 * `interrupted`: the bus stopped before it was answered.
 */
export type TurnStatus = 'completed' | 'failed' | 'aborted' | 'timed_out' | 'interrupted';
/**
 * Chosen by the creator or made by the bus (`chat_` + ULID).
 */
export type ChatId = string;
/**
 * Chosen by the creator or made by the bus (`sess_` + ULID).
 */
export type SessionId = string;
/**
 * A name for people: 1 to 128 characters, none of them a control character, or a mark that turns the direction of text.
 */
export type Name = string;
/**
 * A whole number and a unit: `250ms`, `300s`, `5m`, `1h`.
 */
export type Duration = string;
/**
 * Chosen by the sender, unique for 24 hours; the bus makes `msg_` + ULID when it is left out.
 */
export type MessageId = string;
/**
 * `task_` + ULID, or what the request's `metadata.task_id` named.
 */
export type TaskId = string;
export type StepName = string;
export type Role = string;
export type MessageType = 'task_request' | 'task_response' | 'status_update' | 'error' | 'heartbeat';
export type Priority = 'low' | 'medium' | 'high' | 'critical';
/**
 * Milliseconds, or a whole number and a unit (`30s`).
 */
export type DurationSetting = number | string;
/**
 * One agent by id, or the least loaded online agent that has a capability, or every other active participant of a session (with a role).
 */
export type Recipient = AgentRecipient | CapabilityRecipient | SessionRecipient;
export type AgentRecipient = {
  agent_id: AgentId;
  capability?: never;
  session_id?: never;
  role?: never;
  framework?: Framework;
};
export type CapabilityRecipient = {
  agent_id?: never;
  capability: Capability;
  session_id?: never;
  role?: never;
  framework?: Framework;
};
export type SessionRecipient = {
  agent_id?: never;
  capability?: never;
  session_id: SessionId;
  role?: Role;
  framework?: Framework;
};
/**
 * Settles one or many offers.
 */
export type AckFrame = {type: 'ack'; message_id?: MessageId; message_ids?: MessageId[]};
/**
 * A broadcast has `recipients`, everything else a `recipient`.
 */
export type AnyReceipt = Receipt | BroadcastReceipt;
/**
 * Names a key, and is no secret: `key_` + ULID.
 */
export type KeyId = string;
/**
 * What a credential may do.
 */
export type Scope = 'send' | 'receive' | 'sessions' | 'admin';
/**
 * A whole number and a unit: `90s`, `30m`, `24h`, `30d`; at most `3650d`.
 */
export type Lifetime = string;
/**
 * How long what is replaced goes on beside the new, at most `3650d`; `0s` ends it at once.
 */
export type Overlap = string;
/**
 * What the bus reads of a JSON Web Token, beside `iss`, `aud`, `exp` and `nbf`. Others are left alone.
 */
export type JwtClaims = {workspace_id: WorkspaceId; user_id?: UserId; agent_id?: AgentId; scope: string; exp: number};
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
  | {type: 'messages_withdrawn'; data: MessagesWithdrawnData}
  | {type: 'workflow_updated'; data: WorkflowUpdatedData}
  | {type: 'workflow_advanced'; data: WorkflowAdvancedData}
  | {type: 'step_completed'; data: StepCompletedData}
  | {type: 'context_updated'; data: ContextUpdatedData}
  | {type: 'message_recorded'; data: MessageRecordedData}
  | {type: 'task_delegated'; data: TaskDelegatedData}
  | {type: 'task_updated'; data: TaskUpdatedData}
  | {type: 'task_retried'; data: TaskRetriedData}
  | {type: 'task_reassigned'; data: TaskReassignedData}
  | {type: 'task_answered_late'; data: TaskAnsweredLateData}
  | {type: 'chat_created'; data: ChatCreatedData}
  | {type: 'chat_switched'; data: ChatSwitchedData}
  | {type: 'chat_deleted'; data: ChatDeletedData}
  | {type: 'chat_turn_started'; data: ChatTurnStartedData}
  | {type: 'chat_turn_ended'; data: ChatTurnEndedData}
  | {type: 'chat_history_cleared'; data: ChatHistoryClearedData}
  | {type: 'session_completed'; data: SessionCompletedData}
  | {type: 'session_terminated'; data: SessionTerminatedData};
/**
 * Most messages that the session takes, requests and answers alike; no limit where left out.
 */
export type MessageBudget = number;
export type TaskStatus = 'pending' | 'in_progress' | 'completed' | 'failed' | 'timeout' | 'cancelled';
export type SessionState = 'active' | 'completed' | 'terminated';
/**
 * `consensus`: what more than half of the agents say; `specialist`: what the first of `specialists` says; `confidence`: field by field, the value with the most confidence behind it; `manual`: the results of `selection`.
 */
export type Strategy = 'consensus' | 'specialist' | 'confidence' | 'manual';

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
  contact?: Contact;
  authentication?: JsonObject;
  user_id?: UserId;
}
export interface Agent {
  agent_id: AgentId;
  framework: Framework;
  capabilities: Capability[];
  capability_details?: JsonObject;
  endpoints?: JsonObject;
  metadata?: JsonObject;
  user_id?: UserId;
  health_check_url?: string;
  status_endpoint?: string;
  /**
   * Absent for `open`. Who is on a list is told to nobody.
   */
  contact?: 'session' | 'list';
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
   * The agent's own credential; shown once, at the first registration, or when the one before has ended.
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
  workspace_id?: WorkspaceId;
  limit?: number;
  after?: string;
}
/**
 * One deed, or refusals of one kind within a minute.
 */
export interface AuditEntry {
  /**
   * Later entries have higher ones.
   */
  id: string;
  at: Timestamp;
  action: AuditAction;
  /**
   * An agent's id, `bus-key`, `key:` and the id of a workspace key, `jwt:` and whom a token is for, `bus` for what the bus does itself, `anonymous` for who showed no valid key, `many` where there were too many to tell apart.
   */
  actor: string;
  /**
   * Absent where no key said which.
   */
  workspace_id?: string;
  agent_id?: string;
  session_id?: string;
  chat_id?: string;
  message_id?: string;
  key_id?: string;
  /**
   * Of a refusal: its error code.
   */
  code?: string;
  /**
   * The method and pattern of the route, or `socket`.
   */
  route?: string;
  /**
   * Where the connection came from.
   */
  address?: string;
  /**
   * How many such refusals there were; one where left out.
   */
  count?: number;
}
export interface AuditFilter {
  workspace_id?: string;
  actor?: string;
  action?: AuditAction;
  since?: Timestamp;
  limit?: number;
  /**
   * The `next` of the page before.
   */
  after?: string;
}
/**
 * Newest first. A page may be short, or empty, and have a `next` all the same.
 */
export interface AuditList {
  success: true;
  items: AuditEntry[];
  next?: string;
}
/**
 * A model behind a provider; keys are never part of it.
 */
export interface ChatModel {
  kind: 'model';
  agent: AgentSettings;
  /**
   * What it was made from.
   */
  template?: string;
}
/**
 * An AI agent but for its providers.
 */
export interface AgentSettings {
  name: string;
  description?: string;
  defaultModel: ModelSettings;
}
/**
 * Which model an agent talks to, and how.
 */
export interface ModelSettings {
  /**
   * The name of a provider.
   */
  provider: string;
  /**
   * The provider's name of the model.
   */
  model: string;
  /**
   * The provider's default where left out.
   */
  temperature?: number;
  /**
   * Longest answer in tokens; the provider's default where left out.
   */
  maxTokens?: number;
  /**
   * Stands before every conversation.
   */
  systemMessage?: string;
}
/**
 * An agent of the bus: each turn is a `task_request` to it, its answer the reply.
 */
export interface ChatAgent {
  kind: 'agent';
  agent_id: AgentId;
}
export interface ChatMessage {
  role: ChatRole;
  content: string;
  at: Timestamp;
  turn_id: TurnId;
}
/**
 * As the provider told it.
 */
export interface TokenUsage {
  input_tokens?: number;
  output_tokens?: number;
}
export interface TurnError {
  code: string;
  message: string;
}
export interface Chat {
  chat_id: ChatId;
  session_id: SessionId;
  name: Name;
  partner: ChatPartner;
  /**
   * `answering` while a turn is open.
   */
  state: 'idle' | 'answering';
  /**
   * Whether it is the session's active chat.
   */
  active: boolean;
  /**
   * Completed ones, ever.
   */
  turns: number;
  usage?: TokenUsage;
  /**
   * Most messages that are remembered.
   */
  history_limit: number;
  /**
   * Most bytes of them, in UTF-8.
   */
  history_byte_limit: number;
  created_at: Timestamp;
}
export interface ChatCreatedData {
  chat_id: ChatId;
  name: Name;
  partner: ChatPartner;
  history_limit: number;
  history_byte_limit: number;
}
export interface ChatSwitchedData {
  chat_id: ChatId;
}
export interface ChatDeletedData {
  chat_id: ChatId;
}
export interface ChatTurnStartedData {
  chat_id: ChatId;
  turn_id: TurnId;
  content: string;
}
export interface ChatTurnEndedData {
  chat_id: ChatId;
  turn_id: TurnId;
  status: TurnStatus;
  /**
   * The reply of a completed turn.
   */
  content?: string;
  finish_reason?: string;
  usage?: TokenUsage;
  error?: TurnError;
}
export interface ChatHistoryClearedData {
  chat_id: ChatId;
}
/**
 * With a model (`agent_config`, or a `template` with what shall be different), or with an agent of the bus.
 */
export interface CreateChat {
  chat_id?: ChatId;
  name?: Name;
  agent_id?: AgentId;
  agent_config?: AgentSettings;
  template?: string;
  overrides?: AgentOverrides;
}
/**
 * What shall be different from the template; null takes an optional setting away.
 */
export interface AgentOverrides {
  name?: string;
  description?: string | null;
  defaultModel?: {
    /**
     * With a `model` of that provider.
     */
    provider?: string;
    model?: string;
    temperature?: number | null;
    maxTokens?: number | null;
    systemMessage?: string | null;
  };
}
export interface SayInChat {
  content: string;
  timeout?: Duration;
}
export interface ChatReply {
  success: true;
  chat: Chat;
}
export interface ChatList {
  success: true;
  items: Chat[];
}
export interface ChatHistory {
  success: true;
  items: ChatMessage[];
}
/**
 * What was answered.
 */
export interface TurnReply {
  success: true;
  chat_id: ChatId;
  turn_id: TurnId;
  content: string;
  finish_reason?: string;
  usage?: TokenUsage;
}
/**
 * One provider of AI models. Its key stands in an environment variable, never here.
 */
export interface ProviderSetting {
  kind: 'openai' | 'anthropic' | 'openai-compatible';
  /**
   * Where its API is; the kind's own where left out.
   */
  baseURL?: string;
  /**
   * The environment variable that holds the key.
   */
  apiKeyEnv?: string;
  /**
   * The only models that may be used; any where left out.
   *
   * @minItems 1
   * @maxItems 256
   */
  models?: string[];
  timeout?: DurationSetting;
  /**
   * Longest text of one reply in bytes, at most 64 MiB; 4 MiB where left out.
   */
  maxReplyBytes?: number;
}
/**
 * What a session manager without a bus takes beside keys of `Config`.
 */
export interface SessionManagerConfig {
  /**
   * Whether `workspace(id)` sees that workspace only and refuses others; else workspaces are mere labels.
   */
  enableWorkspaceIsolation?: boolean;
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
   * Further names and addresses, without a port, that `Host` may say.
   */
  allowedHosts?: string[];
  /**
   * Further origins of web pages that may open sockets here.
   */
  allowedOrigins?: string[];
  /**
   * Origins of web pages that may read answers here; CORS is off without.
   */
  corsOrigins?: string[];
  /**
   * PEM file of the certificate, its chain behind it; with `tlsKey` the bus speaks HTTPS and WSS only.
   */
  tlsCert?: string;
  /**
   * PEM file of the private key of `tlsCert`.
   */
  tlsKey?: string;
  /**
   * The bus key, printable ASCII without spaces. At least 16 characters where `host` is not loopback.
   */
  apiKey?: string;
  /**
   * Takes JSON Web Tokens that are signed with it (HS256), printable ASCII without spaces.
   */
  jwtSecret?: string;
  /**
   * Takes JSON Web Tokens that are signed with a key of this set (RS256, PS256, ES256, EdDSA); `https:`, or `http:` on this machine.
   */
  jwksUrl?: string;
  /**
   * The `iss` that every such token must have.
   */
  jwtIssuer?: string;
  /**
   * The `aud` that every such token must have, alone or in a list.
   */
  jwtAudience?: string;
  /**
   * Open sockets; the next upgrade gets 503.
   */
  maxConnections?: number;
  /**
   * Open TCP connections that are no sockets; the next one gets 503.
   */
  maxHttpConnections?: number;
  /**
   * Open connections, sockets included, from one address; the next one gets 503. 0 is no limit.
   */
  maxConnectionsPerAddress?: number;
  heartbeatInterval?: DurationSetting;
  messageTimeout?: DurationSetting;
  /**
   * Whether mailboxes, ids, sessions and agents are on disk and survive a crash.
   */
  persistenceEnabled?: boolean;
  /**
   * Whether what is on disk is encrypted (AES-256-GCM). Needs a key; decided when the data directory is made.
   */
  encryptionEnabled?: boolean;
  /**
   * The key of `encryptionEnabled`, 32 bytes as hex or base64url. To change it: the new one, a comma, the old one.
   */
  encryptionKey?: string;
  /**
   * A file with that key, mode 0600, outside of `dataDir`. To change it: the new one, a line end, the old one.
   */
  encryptionKeyFile?: string;
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
   * Requests, and on a socket envelopes and frames that ack, nack or extend, per key and second; more are refused. 0 is no limit.
   */
  rateLimit?: number;
  /**
   * Longest chain of messages, each in reply to the one before; the next one is refused. 0 is no limit.
   */
  maxHops?: number;
  /**
   * Messages from one agent to one other in a minute; more get 429. 0 is no limit.
   */
  maxPairRate?: number;
  /**
   * Messages of one session in a minute; more get 429. 0 is no limit.
   */
  maxSessionRate?: number;
  offlineGrace?: DurationSetting;
  dedupeWindow?: DurationSetting;
  retention?: DurationSetting;
  auditRetention?: DurationSetting;
  sessionTimeout?: DurationSetting;
  /**
   * Whether a done step makes the next one current.
   */
  autoAdvance?: boolean;
  /**
   * Most active sessions of all workspaces together; the next one gets 429. 0 is no limit.
   */
  maxSessions?: number;
  /**
   * Most chats of a session; 0 is no limit.
   */
  maxChatsPerSession?: number;
  /**
   * Most messages of a chat that are remembered and go to its model.
   */
  chatHistoryLimit?: number;
  /**
   * Most bytes of these messages; the oldest turns are forgotten first.
   */
  chatHistoryBytes?: number;
  chatTimeout?: DurationSetting;
  /**
   * `auto`: connecting registers an agent; `required`: it must be registered before.
   */
  registration?: 'auto' | 'required';
  shutdownTimeout?: DurationSetting;
  /**
   * Providers of AI models by name: `{ kind, baseURL?, apiKeyEnv?, models?, timeout?, maxReplyBytes? }`; as text it is JSON.
   */
  providers?: {
    [k: string]: ProviderSetting;
  };
  /**
   * A JSON file, or a folder of such, with templates of AI agents beside the built-in ones.
   */
  templates?: string;
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
  deliver_after?: Duration;
}
/**
 * Free for the agents; the keys named here steer correlation.
 */
export interface Metadata {
  task_id?: TaskId;
  in_reply_to?: MessageId;
  step?: StepName;
  traceparent?: string;
  /**
   * Written by the bus alone.
   */
  bus?: never;
  [k: string]: unknown | undefined;
}
/**
 * What the bus knows of a message that it took in.
 */
export interface BusStamp {
  /**
   * Who was authenticated: the agent whose own token it was sent with, else the id of the key; `bus` is the bus key.
   */
  sender: string;
  workspace_id: WorkspaceId;
  accepted_at: Timestamp;
  /**
   * 1, or one more than that of the message that it names in `in_reply_to`.
   */
  hop: number;
}
/**
 * The stamp of the bus, and the way that the message took where it did not go straight to the agent that it was addressed to, or to one with the capability.
 */
export interface BusMetadata {
  sender: string;
  workspace_id: WorkspaceId;
  accepted_at: Timestamp;
  hop: number;
  /**
   * The agent that the sender named; the recipient as it was sent, where that names none.
   */
  addressed_to?: AgentId | Recipient;
  /**
   * Why it came to this agent: a fallback and its reason, or a broadcast.
   */
  routed_by?: string;
}
/**
 * The metadata as the recipient gets it.
 */
export interface DeliveredMetadata {
  task_id?: TaskId;
  in_reply_to?: MessageId;
  step?: StepName;
  traceparent?: string;
  broadcast_id?: MessageId;
  bus?: BusMetadata;
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
  deliver_after?: Duration;
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
  metadata?: DeliveredMetadata;
}
/**
 * Query of the upgrade request.
 */
export interface ConnectQuery {
  agent_id: AgentId;
  workspace_id?: WorkspaceId;
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
  receipts: [AnyReceipt, ...AnyReceipt[]];
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
  deliver_at?: Timestamp;
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
 * The receipt of an envelope to a session: all of its copies are stored.
 */
export interface BroadcastReceipt {
  success: true;
  message_id: MessageId;
  /**
   * `offered` once every copy was.
   */
  status: 'offered' | 'queued';
  duplicate?: true;
  deliver_at?: Timestamp;
  recipients: BroadcastRecipient[];
}
/**
 * One copy of a broadcast: whose it is, and where it is.
 */
export interface BroadcastRecipient {
  agent_id: AgentId;
  online: boolean;
  queued: number;
  last_seen_at: Timestamp | null;
  message_id: MessageId;
  status: 'offered' | 'queued';
  task?: TaskRef;
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
 * Body of `POST /keys`. What is left out is as with the key that asks; `scopes` are then `send`, `receive` and `sessions`.
 */
export interface CreateKey {
  name?: Name;
  workspace_id?: WorkspaceId;
  user_id?: UserId;
  agent_id?: AgentId;
  /**
   * @minItems 1
   * @maxItems 4
   */
  scopes?: Scope[];
  expires_in?: Lifetime;
}
/**
 * One of the secrets of a key: the one in use, or one that a rotation has replaced and not ended yet.
 */
export interface KeySecret {
  /**
   * How it begins.
   */
  hint: string;
  created_at: Timestamp;
  ends_at: Timestamp | null;
}
export interface Key {
  key_id: KeyId;
  name?: Name;
  workspace_id: WorkspaceId;
  user_id?: UserId;
  agent_id?: AgentId;
  scopes: Scope[];
  created_at: Timestamp;
  expires_at: Timestamp | null;
  /**
   * Newest first.
   */
  secrets: KeySecret[];
}
export interface KeyReply {
  success: true;
  key: Key;
  /**
   * What to send as `x-agent-api-key`; shown only here.
   */
  secret: string;
}
export interface KeyList {
  success: true;
  items: Key[];
  next?: string;
}
export interface KeyFilter {
  workspace_id?: WorkspaceId;
  limit?: number;
  after?: string;
}
/**
 * Body of `POST /keys/{key_id}/rotate` and `POST /agents/{agent_id}/token`. The overlap is `24h` where left out.
 */
export interface Rotate {
  overlap?: Overlap;
}
export interface TokenReply {
  success: true;
  agent_id: AgentId;
  /**
   * The agent's own credential from now on; shown only here.
   */
  token: string;
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
  items: (Receipt | BroadcastReceipt | Problem)[];
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
  /**
   * How many attempts are not kept: those between the first 5 and the last 50.
   */
  attempts_left_out?: number;
  attempts: Attempt[];
  /**
   * `null` where the disk has damaged it.
   */
  envelope: CompleteEnvelope | null;
}
export interface LedgerCopy {
  message_id: MessageId;
  agent_id: AgentId;
  status: MessageStatus;
  task?: TaskRef;
}
/**
 * A broadcast and where its copies are; each of them has a ledger of its own.
 */
export interface LedgerBroadcast {
  message_id: MessageId;
  status: MessageStatus;
  accepted_at: Timestamp;
  deadline: Timestamp;
  /**
   * Those that have not been forgotten since.
   */
  copies: LedgerCopy[];
  /**
   * As it was sent; `null` where the disk has damaged it.
   */
  envelope: CompleteEnvelope | null;
}
export interface MessageReply {
  success: true;
  message: LedgerMessage | LedgerBroadcast;
}
export interface MessageList {
  success: true;
  items: LedgerMessage[];
  next?: string;
  /**
   * Messages of this page that the disk has damaged.
   */
  damaged?: MessageId[];
}
export interface PullQuery {
  workspace_id?: WorkspaceId;
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
  workspace_id?: WorkspaceId;
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
  message_budget?: MessageBudget;
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
/**
 * What lay in the mailbox of an agent for the session when it left, and is a dead letter now.
 */
export interface MessagesWithdrawnData {
  agent_id: AgentId;
  message_ids: MessageId[];
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
  started_at?: Timestamp;
  /**
   * Attempts to deliver the request that failed and were followed by another; absent for none.
   */
  retries?: number;
  /**
   * Every time the request went on to another agent, in order.
   */
  handovers?: Handover[];
  /**
   * The payload of the response.
   */
  result?: unknown;
  /**
   * The payload of the error, or what the bus found.
   */
  error?: unknown;
  late?: LateAnswer[];
  /**
   * Who may still get it from the delegatee.
   */
  fallback_agents?: AgentId[];
  stands_in_for?: AgentId;
  /**
   * Who had it before the delegatee: their answers are late.
   */
  former_delegatees?: AgentId[];
}
/**
 * A request that went to another agent than the one before, and the task with it.
 */
export interface Handover {
  from: AgentId;
  to: AgentId;
  reason: string;
  at: Timestamp;
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
  /**
   * Of a move by hand: the agent whose it is, or null where none was named.
   */
  by?: AgentId | null;
  result?: unknown;
  error?: unknown;
}
/**
 * An attempt to deliver the request of an open task failed, and another one is due.
 */
export interface TaskRetriedData {
  task_id: TaskId;
  message_id: MessageId;
  delegatee: AgentId;
  /**
   * How the attempt ended.
   */
  outcome: 'nacked' | 'lease_expired';
  /**
   * What the delegatee said.
   */
  reason?: string;
}
/**
 * The message of an open task went on to a fallback, which has the task from now on.
 */
export interface TaskReassignedData {
  task_id: TaskId;
  message_id: MessageId;
  from: AgentId;
  delegatee: AgentId;
  reason: string;
  deadline: Timestamp;
  /**
   * Who may still get it after this one.
   */
  fallback_agents: AgentId[];
}
export interface TaskAnsweredLateData {
  task_id: TaskId;
  message_id: MessageId;
  message_type: MessageType;
}
export interface SessionCompletedData {
  summary?: string;
  artifacts?: unknown[];
  report?: SessionSummary;
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
  retries: number;
  fallbacks: FallbackSummary[];
  steps: StepSummary[];
  agents: AgentSummary[];
  open: TaskSummary[];
  /**
   * Failed or timed out.
   */
  failed: TaskSummary[];
  cancelled: TaskSummary[];
  conflicts: Conflict[];
  synthesis: SynthesisOptions;
  decisions: Decision[];
  artifacts: unknown[];
  outcome?: Outcome;
}
/**
 * A task that went on to another agent.
 */
export interface FallbackSummary {
  task_id: TaskId;
  step: StepName | null;
  from: AgentId;
  to: AgentId;
  reason: string;
  at: Timestamp;
}
/**
 * What was recorded of one step; `null` stands for the tasks without one.
 */
export interface StepSummary {
  step: StepName | null;
  state: 'completed' | 'current' | 'pending' | 'none';
  tasks: {[status in TaskStatus]: number};
  /**
   * Who has the tasks in it.
   */
  agents: AgentId[];
  /**
   * From the first request to the last answer; `null` before the first answer.
   */
  duration_ms: number | null;
  retries: number;
  results: TaskSummary[];
}
/**
 * What was recorded of one task.
 */
export interface TaskSummary {
  task_id: TaskId;
  step: StepName | null;
  task_type: string;
  agent_id: AgentId;
  delegator: AgentId;
  stands_in_for?: AgentId;
  status: TaskStatus;
  created_at: Timestamp;
  started_at: Timestamp;
  ended_at?: Timestamp;
  /**
   * From its start to its end; `null` while it is open.
   */
  duration_ms: number | null;
  /**
   * Failed attempts to deliver its request that another one followed.
   */
  retries: number;
  /**
   * Of a completed one; `null` where the answer had none.
   */
  result?: unknown;
  /**
   * Why it failed, where that is known.
   */
  error?: unknown;
}
/**
 * What was recorded of one participant, or of a fallback that stood in.
 */
export interface AgentSummary {
  agent_id: AgentId;
  /**
   * `null` for who took no part.
   */
  role: Role | null;
  tasks: {[status in TaskStatus]: number};
  /**
   * The durations of its completed tasks; those that ran side by side count each.
   */
  working_ms: number;
  retries: number;
}
/**
 * A question to which agents gave different answers: one kind of work in one step, and one field of its results.
 */
export interface Conflict {
  step: StepName | null;
  task_type: string;
  /**
   * `null`: the results as wholes.
   */
  field: string | null;
  positions: Position[];
}
/**
 * One of several answers, and whose it is.
 */
export interface Position {
  value?: unknown;
  said_by: Source[];
}
/**
 * An agent that was asked, and the task in which it, or a fallback for it, said so.
 */
export interface Source {
  agent_id: AgentId;
  task_id: TaskId;
}
/**
 * How one answer is made of several results.
 */
export interface SynthesisOptions {
  strategy: Strategy;
  /**
   * Of `specialist`: agent ids or roles, the first one first.
   *
   * @maxItems 256
   */
  specialists?: string[];
  /**
   * Of `manual`: completed tasks whose results are to stand, at most one for each kind of work in a step.
   *
   * @maxItems 1000
   */
  selection?: TaskId[];
}
/**
 * What the results of one kind of work in one step come to.
 */
export interface Decision {
  step: StepName | null;
  task_type: string;
  /**
   * `unanimous`: nobody who said something said otherwise; `decided`: the strategy chose; `undecided`: it could not.
   */
  verdict: 'unanimous' | 'decided' | 'undecided';
  task_id?: TaskId;
  /**
   * Without the confidence; absent where there is none.
   */
  value?: unknown;
  /**
   * Whose results agree with it.
   */
  supporters: AgentId[];
  /**
   * Whose results do not.
   */
  dissenters: AgentId[];
  /**
   * Where the value is put together: from what.
   */
  fields?: FieldDecision[];
}
/**
 * What one field comes to.
 */
export interface FieldDecision {
  field: string;
  /**
   * `unanimous`: nobody who said something said otherwise; `decided`: the strategy chose; `undecided`: it could not.
   */
  verdict: 'unanimous' | 'decided' | 'undecided';
  task_id?: TaskId;
  value?: unknown;
  supporters: AgentId[];
  dissenters: AgentId[];
  /**
   * Of `confidence`: how much of it is behind the value.
   */
  weight?: number;
  /**
   * Of `confidence`: how much of it is behind all values of the field.
   */
  total_weight?: number;
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
  message_budget?: MessageBudget;
  /**
   * Of the budget, where there is one.
   */
  messages_used?: number;
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
  message_budget?: MessageBudget;
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
  synthesis?: SynthesisOptions;
}
export interface TerminateSession {
  reason: string;
  /**
   * Anything that explains it.
   */
  details?: unknown;
}
/**
 * Body of `PATCH /sessions/{session_id}/tasks/{task_id}`.
 */
export interface UpdateTask {
  status: 'in_progress' | 'completed' | 'failed' | 'cancelled';
  /**
   * What came of it, or has come of it so far.
   */
  result?: unknown;
  /**
   * What went wrong.
   */
  error?: unknown;
  agent_id?: AgentId;
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
  workspace_id?: WorkspaceId;
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
export interface TaskReply {
  success: true;
  task: Task;
}
export interface TaskList {
  success: true;
  items: Task[];
  next?: string;
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
 * Query of `GET /sessions/{session_id}/summary`; lists are separated by commas.
 */
export interface SummaryQuery {
  /**
   * Wins over `Accept`.
   */
  format?: 'json' | 'markdown';
  strategy?: Strategy;
  specialists?: string;
  selection?: string;
  narrate?: ChatId;
}
/**
 * Prose about a summary by whom a chat is with: a model, or an agent of the bus. Nothing in it was recorded or checked.
 */
export interface Narrative {
  chat_id: ChatId;
  /**
   * Of the model.
   */
  provider?: string;
  model?: string;
  agent_id?: AgentId;
  content: string;
  generated_at: Timestamp;
  /**
   * `length`: it ends in the middle.
   */
  finish_reason?: string;
  usage?: TokenUsage;
}
export interface SummaryReply {
  success: true;
  summary: SessionSummary;
  narrative?: Narrative;
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
/**
 * What agents are made from; a file holds one or a list of them.
 */
export interface AgentTemplate {
  id: string;
  /**
   * The name of the agents that are made from it.
   */
  name: string;
  description?: string;
  /**
   * @maxItems 32
   */
  tags?: string[];
  defaultModel: ModelSettings;
}
