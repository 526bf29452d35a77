// The synchronous face of all sessions: checks what it is given, hands out copies, emits what happens.
import { copyJson } from '../core/json/copy.ts';
import { timestampOf } from '../core/session/timestamp.ts';
import { summarize } from '../core/summary/summary.ts';
import { checkedSynthesis } from '../core/summary/synthesis-options.ts';
import type { Page } from '../ports/mailbox-store.ts';
import type {
  AgentId,
  ChatId,
  CompleteSession,
  JsonObject,
  ParticipantInput,
  Session,
  SessionEvent,
  SessionFilter,
  SessionId,
  SessionSummary,
  StepName,
  SynthesisOptions,
  Task,
  TaskFilter,
  TaskId,
  TaskStatus,
  TerminateSession,
  UpdateWorkflow,
  UserId,
  WorkflowProgress,
  WorkflowStepInput,
} from '../protocol/types.gen.ts';
import { type NarratedSummary, type NarrateOptions, narrated } from './narration.ts';
import { SessionChats } from './session-chats.ts';
import {
  createSessionCommand,
  delegateTaskCommand,
  type NewSession,
  type NewTask,
  type TaskMove,
  taskMove,
} from './session-commands.ts';
import * as input from './session-input.ts';
import { anyTask, progressOf, sessionPage, taskPage, tasksOfAgent } from './session-queries.ts';

/**
 * Every method that changes something does so at once, in memory, and throws a BusError where it may not; `settled` tells
 * when it is durable. An unknown session is SESSION_NOT_FOUND, an ended one SESSION_ENDED, a malformed argument
 * VALIDATION_FAILED. Nothing that is handed in is kept or changed, nothing that is handed out is live.
 */
export class SessionManager extends SessionChats {
  /** Brings back every session of the log, before anything else where it is not empty. @throws BusError STORE_FAILED, STORE_UNREADABLE */
  async load(): Promise<void> {
    await this.sessions.load();
    this.chats.load();
  }

  /** @throws BusError SESSION_EXISTS, SESSION_LIMIT, PARTICIPANT_EXISTS, PARTICIPANT_LIMIT, INVALID_WORKFLOW */
  createSession(session?: NewSession): SessionId;
  createSession(
    orchestrator: AgentId,
    participants?: readonly ParticipantInput[],
    workflow?: readonly WorkflowStepInput[],
    sharedContext?: JsonObject,
  ): SessionId;
  createSession(
    first: NewSession | AgentId = {},
    participants: readonly ParticipantInput[] = [],
    workflow: readonly WorkflowStepInput[] = [],
    sharedContext: JsonObject = {},
  ): SessionId {
    const session = typeof first === 'string' ? { orchestrator: first, participants, workflow, sharedContext } : first;
    const command = createSessionCommand(session, this.now, this.options);
    this.sessions.run(command);
    return command.session_id;
  }

  /** Also takes back one who left. @throws BusError PARTICIPANT_EXISTS, PARTICIPANT_LIMIT */
  addParticipant(sessionId: SessionId, participant: ParticipantInput): void {
    const { maxParticipants } = this.options;
    const added = input.participantInput(participant);
    this.run(sessionId, { type: 'add_participant', participant: added, max_participants: maxParticipants });
  }

  /** Marks it left, cancels its open tasks, and withdraws what lies in its mailbox for the session. @throws BusError PARTICIPANT_NOT_FOUND */
  removeParticipant(sessionId: SessionId, agentId: AgentId): void {
    this.run(sessionId, { type: 'remove_participant', agent_id: input.participantId('agent_id', agentId) });
  }

  /** Any subset; what is not named stays. @throws BusError UNKNOWN_STEP, INVALID_WORKFLOW, STEP_HAS_OPEN_TASKS, STEP_NOT_OPEN */
  updateWorkflow(sessionId: SessionId, update: UpdateWorkflow): void {
    this.run(sessionId, { type: 'update_workflow', update: input.workflowUpdate(update) });
  }

  /** Completes the current step; the new current one. @throws BusError STEP_HAS_OPEN_TASKS, STEP_NOT_OPEN when none is left */
  advanceWorkflow(sessionId: SessionId): StepName | null {
    return this.run(sessionId, { type: 'advance_workflow' }).session.workflow.current_step;
  }

  /** Replaces the shared context, if it still has the version given. @throws BusError VERSION_MISMATCH */
  updateSharedContext(
    sessionId: SessionId,
    context: JsonObject,
    condition: { expectedVersion?: number | undefined } = {},
  ): void {
    this.#updateContext(sessionId, 'replace', context, condition);
  }

  /** Merges an RFC 7396 patch into the shared context, if it still has the version given. @throws BusError VERSION_MISMATCH */
  mergeSharedContext(
    sessionId: SessionId,
    patch: JsonObject,
    condition: { expectedVersion?: number | undefined } = {},
  ): void {
    this.#updateContext(sessionId, 'merge', patch, condition);
  }

  #updateContext(
    id: SessionId,
    mode: 'merge' | 'replace',
    context: JsonObject,
    condition: { expectedVersion?: number | undefined },
  ): void {
    const { expectedVersion: expected } = condition;
    const version = expected === undefined ? {} : { expected_version: expected };
    this.run(id, { type: 'update_context', mode, context: input.jsonObject('context', context), ...version });
  }

  /** The id of the new task. @throws BusError NOT_A_PARTICIPANT, UNKNOWN_STEP, STEP_NOT_OPEN, TASK_EXISTS */
  delegateTask(sessionId: SessionId, task: NewTask): TaskId {
    const command = delegateTaskCommand(sessionId, task, this.now, this.options);
    this.sessions.run(command);
    return command.task_id;
  }

  /** A task that ends so takes its message along. @throws BusError TASK_NOT_FOUND, TASK_ENDED, FORBIDDEN for an agent whose move it is not */
  updateTaskStatus(sessionId: SessionId, taskId: TaskId, status: TaskStatus, move: TaskMove = {}): void {
    this.run(sessionId, { type: 'update_task', task_id: taskId, status: input.taskStatus(status), ...taskMove(move) });
  }

  /** Keeps the summary as it is then. @throws BusError VALIDATION_FAILED for a synthesis that does not fit */
  completeSession(sessionId: SessionId, outcome: CompleteSession = {}): void {
    this.run(sessionId, { type: 'complete_session', ...input.completion(outcome) });
  }

  terminateSession(sessionId: SessionId, outcome: TerminateSession): void {
    this.run(sessionId, { type: 'terminate_session', ...input.termination(outcome) });
  }

  /** Forgets the session and its events; an active one is terminated before, for the reason `deleted`. */
  deleteSession(sessionId: SessionId): void {
    if (this.sessions.isRunning(sessionId)) this.run(sessionId, { type: 'terminate_session', reason: 'deleted' });
    this.sessions.remove(sessionId);
  }

  getSession(sessionId: SessionId): Session | undefined {
    return copyJson(this.sessions.find(sessionId)?.session);
  }

  /** Whose session it is, null for nobody's; undefined where there is none, also none that is being deleted. */
  userOf(sessionId: SessionId): UserId | null | undefined {
    return this.sessions.lastOf(sessionId)?.session.user_id;
  }

  getActiveSessions(): Session[] {
    return [...this.sessions.all()].filter((one) => one.session.state === 'active').map((one) => copyJson(one.session));
  }

  /** In the order of their ids, 100 to a page where no limit is given. With a member only those that this agent takes part in. */
  listSessions(filter: SessionFilter = {}, memberId?: AgentId): Page<Session> {
    return copyJson(sessionPage(this.sessions.all(), filter, memberId));
  }

  getWorkflowProgress(sessionId: SessionId): WorkflowProgress {
    return copyJson(progressOf(this.sessions.require(sessionId)));
  }

  /** Task ids are unique in a session only: without one, the first session that has the task. */
  getTaskDelegation(taskId: TaskId, sessionId?: SessionId): Task | undefined {
    return copyJson(anyTask(this.sessions.all(sessionId), taskId));
  }

  /** What was delegated to the agent in any session, over or not. */
  getTasksForAgent(agentId: AgentId): Task[] {
    return copyJson(tasksOfAgent(this.sessions.all(), agentId));
  }

  /** In the order of their creation, 100 to a page where no limit is given. */
  listTasks(sessionId: SessionId, filter: TaskFilter = {}): Page<Task> {
    return copyJson(taskPage(this.sessions.require(sessionId), filter));
  }

  /**
   * What came of it. Of a completed session the summary that was made at its end, unless a synthesis is named.
   * @throws BusError VALIDATION_FAILED for a synthesis that does not fit
   */
  getSummary(sessionId: SessionId, synthesis?: SynthesisOptions): SessionSummary {
    const asked = synthesis === undefined ? undefined : checkedSynthesis(synthesis);
    return copyJson(summarize(this.sessions.require(sessionId), asked));
  }

  /**
   * The same, with prose about it by whom a chat of the session is with. Nothing of that is recorded.
   * @throws BusError as `getSummary` and `ChatInstance.sendMessage`
   */
  async narrateSummary(
    sessionId: SessionId,
    chatId: ChatId,
    { synthesis, ...options }: NarrateOptions = {},
  ): Promise<NarratedSummary> {
    return narrated(
      this.getSummary(sessionId, synthesis),
      this.chats.describe(sessionId, chatId),
      (content) => this.chats.aside(sessionId, chatId, content, options),
      () => timestampOf(this.now),
    );
  }

  /** Durable events with an id above `after`, oldest first: fewer than `limit` where they are large, none where none is left. */
  async readEvents(sessionId: SessionId, after: number, limit: number): Promise<SessionEvent[]> {
    this.sessions.require(sessionId);
    return copyJson(await this.options.log.read(sessionId, after, limit));
  }

  /**
   * Resolves when everything done to the session before this call is durable. Rejects, once, with the error of a change
   * that another writer made impossible, and always with STORE_FAILED after a failed write.
   */
  settled(sessionId: SessionId): Promise<void> {
    return this.sessions.settled(sessionId);
  }

  /** Refuses further changes and waits for the writes on their way. */
  close(): Promise<void> {
    this.chats.close();
    return this.sessions.close();
  }
}
