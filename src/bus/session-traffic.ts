// What messages do to sessions: the part of the session manager that the bus itself drives.
import { copyJson } from '../core/json/copy.ts';
import type { SessionCommand } from '../core/session/commands.ts';
import { othersThan } from '../core/session/participants.ts';
import { assertActive, assertParticipant, taskOfMessage } from '../core/session/state.ts';
import { findTask } from '../core/session/task-index.ts';
import { timestampOf } from '../core/session/timestamp.ts';
import { BusError } from '../protocol/errors.ts';
import type {
  AgentId,
  CompleteEnvelope,
  MessageId,
  SessionEvent,
  SessionId,
  SessionRecipient,
  Task,
  TaskId,
  TaskRef,
  TaskRetriedData,
  WorkspaceId,
} from '../protocol/types.gen.ts';
import { type CommandDefaults, type NewMessage, recordMessageCommand } from './session-commands.ts';
import { SessionEmitter } from './session-emitter.ts';
import type { SessionManagerOptions } from './session-options.ts';
import { tasksWithStatus } from './session-queries.ts';
import { SessionRegistry } from './session-registry.ts';
import { defaultWorkspace } from './workspace-names.ts';

/** A command without what is added to each. */
type Ask<C extends SessionCommand = SessionCommand> = C extends SessionCommand ? Omit<C, 'session_id' | 'at'> : never;

/** A message that goes on to a fallback. */
export interface Reassignment {
  delegatee: AgentId;
  reason: string;
  /** Milliseconds since the epoch. */
  deadline: number;
  /** Who may still get it after that one. */
  fallback_agents: AgentId[];
}

/** One copy of an accepted broadcast; times in milliseconds since the epoch. */
export interface SessionCopy {
  envelope: CompleteEnvelope;
  recipient: AgentId;
  deadline: number;
  at: number;
}

export abstract class SessionTraffic extends SessionEmitter {
  protected readonly options: SessionManagerOptions & CommandDefaults;
  protected readonly sessions: SessionRegistry;

  constructor(options: SessionManagerOptions) {
    const { workspaceId = defaultWorkspace } = options;
    super(workspaceId);
    this.options = { maxParticipants: 256, ...options, workspaceId };
    const { log, clock, sessionLimit: limit, mayGoOn = async () => false } = options;
    this.sessions = new SessionRegistry(
      { log, clock, limit, mayGoOn, lifetimes: options },
      {
        happened: (event) => this.happened(event),
        recorded: (event) => this.emitRecorded(event),
        deleted: (sessionId) => this.deleted(sessionId),
      },
    );
  }

  /**
   * Correlates an accepted envelope with the tasks and steps of its session; the same message again changes nothing.
   * @returns the task that it asked for, moved, or answered too late
   * @throws BusError NOT_A_PARTICIPANT, UNKNOWN_STEP, STEP_NOT_OPEN, TASK_EXISTS: then nothing is recorded
   */
  recordMessage(message: NewMessage): TaskRef | undefined {
    const state = this.sessions.run(recordMessageCommand(message, this.now, this.options));
    return taskOfMessage(state, message.message_id);
  }

  /**
   * The copies of an accepted broadcast, all of them or none; a task for each, in their order.
   * @throws BusError as `recordMessage`
   */
  recordBroadcast(sessionId: SessionId, copies: readonly SessionCopy[]): (TaskRef | undefined)[] {
    const commands = copies.map(({ envelope, recipient, deadline, at }) => {
      const { message_id, message_type, sender, priority, payload, metadata } = envelope;
      const message = { message_id, message_type, sender: sender.agent_id, recipient, priority, payload, deadline, at };
      const correlated = { ...message, session_id: sessionId, ...(metadata && { metadata }) };
      return recordMessageCommand(correlated, this.now, this.options);
    });
    const at = timestampOf(copies[0]?.at ?? this.now);
    const state = this.sessions.run({ type: 'record_broadcast', session_id: sessionId, at, copies: commands });
    return copies.map(({ envelope }) => taskOfMessage(state, envelope.message_id));
  }

  /** Who else is there, with a role or framework. @throws BusError SESSION_NOT_FOUND, SESSION_ENDED, NOT_A_PARTICIPANT */
  recipientsOf(sessionId: SessionId, sender: AgentId, filter: Pick<SessionRecipient, 'role' | 'framework'>): AgentId[] {
    const state = this.sessions.find(sessionId);
    assertActive(state, sessionId);
    assertParticipant(state, sender);
    return othersThan(sender, state.session.participants, filter);
  }

  /**
   * A message goes on to a fallback, and the task that it asked for with it. Resolves when that is durable; what is
   * unknown or over stays as it is.
   * @throws BusError STORE_FAILED, SHUTTING_DOWN
   */
  async messageGoesOn(sessionId: SessionId, messageId: MessageId, to: Reassignment): Promise<void> {
    if (!this.sessions.find(sessionId)) return;
    const { deadline, ...rest } = to;
    this.run(sessionId, { type: 'reassign_task', message_id: messageId, deadline: timestampOf(deadline), ...rest });
    await this.#settledOrRefused(sessionId);
  }

  /** An attempt to deliver a message failed, and another one is due. @throws BusError STORE_FAILED, SHUTTING_DOWN */
  async messageRetried(
    sessionId: SessionId,
    messageId: MessageId,
    { outcome, reason }: Pick<TaskRetriedData, 'outcome' | 'reason'>,
  ): Promise<void> {
    if (!this.sessions.find(sessionId)) return;
    const why = reason === undefined ? {} : { reason };
    this.run(sessionId, { type: 'report_retry', message_id: messageId, outcome, ...why });
    await this.#settledOrRefused(sessionId);
  }

  /**
   * A message is about to be a dead letter: the task that it asked for is over. Resolves when that is durable; what is
   * unknown or over stays as it is.
   * @throws BusError STORE_FAILED, SHUTTING_DOWN
   */
  async messageDied(sessionId: SessionId, messageId: MessageId, reason: string): Promise<void> {
    if (!this.sessions.find(sessionId)) return;
    this.run(sessionId, { type: 'report_dead_message', message_id: messageId, reason });
    await this.#settledOrRefused(sessionId);
  }

  /** What lay in the mailbox of one who left is withdrawn. @throws BusError STORE_FAILED, SHUTTING_DOWN */
  async messagesWithdrawn(sessionId: SessionId, agentId: AgentId, messageIds: MessageId[]): Promise<void> {
    if (!this.sessions.find(sessionId)) return;
    this.run(sessionId, { type: 'report_withdrawn_messages', agent_id: agentId, message_ids: messageIds });
    await this.#settledOrRefused(sessionId);
  }

  /** Also of a session that is just being deleted. */
  lastTaskOf(sessionId: SessionId, taskId: TaskId): Task | undefined {
    const state = this.sessions.lastOf(sessionId);
    return state && copyJson(findTask(state.tasks, taskId));
  }

  /** Of all sessions, active or ended. */
  cancelledTasks(): Task[] {
    return copyJson(tasksWithStatus(this.sessions.all(), 'cancelled'));
  }

  async #settledOrRefused(sessionId: SessionId): Promise<void> {
    try {
      await this.sessions.settled(sessionId);
    } catch (error) {
      // The session was deleted meanwhile, or somebody else's change of it was refused: the message goes its way all the same.
      if (!(error instanceof BusError) || error.code === 'STORE_FAILED') throw error;
    }
  }

  override workspaceOf(sessionId: SessionId): WorkspaceId {
    const labelled = this.options.workspacesAreLabels ? this.sessions.lastOf(sessionId)?.session : undefined;
    return labelled?.workspace_id ?? this.workspaceId;
  }

  protected happened(event: SessionEvent): void {
    this.emitMilestone(event);
  }

  protected deleted(sessionId: SessionId): void {
    this.emitDeleted(sessionId);
  }

  protected get now(): number {
    return this.options.clock.now();
  }

  protected run(sessionId: SessionId, ask: Ask) {
    const command: SessionCommand = { ...ask, session_id: sessionId, at: timestampOf(this.now) };
    return this.sessions.run(command);
  }
}
