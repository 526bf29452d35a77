// Sessions of several workspaces, or of one user of them, behind the methods of one session manager.
import type { Page } from '../ports/mailbox-store.ts';
import { BusError } from '../protocol/errors.ts';
import type {
  AgentId,
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
  WorkflowProgress,
  WorkflowStepInput,
  WorkspaceId,
} from '../protocol/types.gen.ts';
import { ChatsView } from './chats-view.ts';
import type { NewSession, NewTask, TaskMove } from './session-commands.ts';
import { mergedPage } from './session-queries.ts';
import { narrowed, owns } from './session-scope.ts';

/** As `SessionManager`; a session outside of the scope is answered like one that never was. */
export class SessionsView extends ChatsView {
  /** The sessions of one workspace: of its own, else `default`, where none is named. @throws BusError WORKSPACE_FORBIDDEN */
  workspace(workspaceId?: WorkspaceId): SessionsView {
    return new SessionsView(narrowed(this.scope, workspaceId));
  }

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
    const { userId, label } = this.scope;
    if (userId !== undefined && session.userId !== undefined && session.userId !== userId) {
      throw new BusError('FORBIDDEN', `This key is for the user ${userId}; leave the user out or name that one.`);
    }
    const { workspaceId = label } = session;
    return this.scope.managerFor(workspaceId).createSession({
      ...session,
      ...(workspaceId !== undefined && { workspaceId }),
      ...(userId !== undefined && { userId }),
    });
  }

  addParticipant(sessionId: SessionId, participant: ParticipantInput): void {
    this.managerOf(sessionId).addParticipant(sessionId, participant);
  }

  removeParticipant(sessionId: SessionId, agentId: AgentId): void {
    this.managerOf(sessionId).removeParticipant(sessionId, agentId);
  }

  updateWorkflow(sessionId: SessionId, update: UpdateWorkflow): void {
    this.managerOf(sessionId).updateWorkflow(sessionId, update);
  }

  advanceWorkflow(sessionId: SessionId): StepName | null {
    return this.managerOf(sessionId).advanceWorkflow(sessionId);
  }

  updateSharedContext(
    sessionId: SessionId,
    context: JsonObject,
    condition: { expectedVersion?: number | undefined } = {},
  ): void {
    this.managerOf(sessionId).updateSharedContext(sessionId, context, condition);
  }

  mergeSharedContext(
    sessionId: SessionId,
    patch: JsonObject,
    condition: { expectedVersion?: number | undefined } = {},
  ): void {
    this.managerOf(sessionId).mergeSharedContext(sessionId, patch, condition);
  }

  delegateTask(sessionId: SessionId, task: NewTask): TaskId {
    return this.managerOf(sessionId).delegateTask(sessionId, task);
  }

  updateTaskStatus(sessionId: SessionId, taskId: TaskId, status: TaskStatus, move: TaskMove = {}): void {
    this.managerOf(sessionId).updateTaskStatus(sessionId, taskId, status, move);
  }

  completeSession(sessionId: SessionId, outcome: CompleteSession = {}): void {
    this.managerOf(sessionId).completeSession(sessionId, outcome);
  }

  terminateSession(sessionId: SessionId, outcome: TerminateSession): void {
    this.managerOf(sessionId).terminateSession(sessionId, outcome);
  }

  deleteSession(sessionId: SessionId): void {
    this.managerOf(sessionId).deleteSession(sessionId);
  }

  getSession(sessionId: SessionId): Session | undefined {
    return this.find(sessionId)?.getSession(sessionId);
  }

  getActiveSessions(): Session[] {
    return [...this.scope.managers()].flatMap((manager) => manager.getActiveSessions()).filter(this.#isVisible);
  }

  listSessions(filter: SessionFilter = {}, memberId?: AgentId): Page<Session> {
    const { userId } = this.scope;
    if (userId !== undefined && filter.user_id !== undefined && filter.user_id !== userId) return { items: [] };
    const asked = userId === undefined ? filter : { ...filter, user_id: userId };
    return mergedPage(
      [...this.scope.managers()].map((manager) => manager.listSessions(asked, memberId)),
      filter,
    );
  }

  getWorkflowProgress(sessionId: SessionId): WorkflowProgress {
    return this.managerOf(sessionId).getWorkflowProgress(sessionId);
  }

  getTaskDelegation(taskId: TaskId, sessionId?: SessionId): Task | undefined {
    if (sessionId !== undefined) return this.find(sessionId)?.getTaskDelegation(taskId, sessionId);
    for (const manager of this.scope.managers()) {
      const task = manager.getTaskDelegation(taskId);
      if (task && owns(this.scope, manager, task.session_id)) return task;
    }
    return undefined;
  }

  getTasksForAgent(agentId: AgentId): Task[] {
    return [...this.scope.managers()].flatMap((manager) =>
      manager.getTasksForAgent(agentId).filter((task) => owns(this.scope, manager, task.session_id)),
    );
  }

  listTasks(sessionId: SessionId, filter: TaskFilter = {}): Page<Task> {
    return this.managerOf(sessionId).listTasks(sessionId, filter);
  }

  getSummary(sessionId: SessionId, synthesis?: SynthesisOptions): SessionSummary {
    return this.managerOf(sessionId).getSummary(sessionId, synthesis);
  }

  async readEvents(sessionId: SessionId, after: number, limit: number): Promise<SessionEvent[]> {
    return this.managerOf(sessionId).readEvents(sessionId, after, limit);
  }

  async settled(sessionId: SessionId): Promise<void> {
    return this.managerOf(sessionId).settled(sessionId);
  }

  /** The workspace that a session belongs to. @throws BusError SESSION_NOT_FOUND */
  workspaceOf(sessionId: SessionId): WorkspaceId {
    return this.managerOf(sessionId).workspaceOf(sessionId);
  }

  readonly #isVisible = (session: Session): boolean =>
    this.scope.userId === undefined || session.user_id === this.scope.userId;
}
