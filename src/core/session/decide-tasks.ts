// Decisions on tasks that are not about a message: delegated, moved and timed out by hand or by the clock.
import { BusError } from '../../protocol/errors.ts';
import type { AgentId, Task, TaskId, TaskStatus, TaskUpdatedData } from '../../protocol/types.gen.ts';
import type { DelegateTaskCommand, UpdateTaskCommand } from './commands.ts';
import { stepForTask } from './correlation.ts';
import { completeStepIfDone } from './decide-workflow.ts';
import type { Draft } from './draft.ts';
import { assertParticipant, type SessionAggregate } from './state.ts';
import { dueTasks, findTask } from './task-index.ts';
import { hasFallbacks, isOpen } from './tasks.ts';

/** @throws BusError VALIDATION_FAILED, NOT_A_PARTICIPANT, UNKNOWN_STEP, STEP_NOT_OPEN, TASK_EXISTS */
export function delegateTask(draft: Draft, command: DelegateTaskCommand): void {
  const delegator = command.delegator ?? draft.state.session.orchestrator;
  if (delegator === null) {
    throw new BusError('VALIDATION_FAILED', 'The session has no orchestrator; name the delegator.');
  }
  assertParticipant(draft.state, delegator);
  assertParticipant(draft.state, command.delegatee);
  assertNewTask(draft.state, command.task_id);
  const task = {
    task_id: command.task_id,
    session_id: command.session_id,
    step: stepForTask(draft.state.session.workflow, command.delegatee, command.step),
    message_id: null,
    delegator,
    delegatee: command.delegatee,
    task_type: command.task_type,
    status: 'pending' as const,
    priority: command.priority,
    created_at: draft.at,
    updated_at: draft.at,
    deadline: command.deadline,
  };
  draft.record({ type: 'task_delegated', data: { task } });
}

/** @throws BusError TASK_NOT_FOUND, FORBIDDEN, TASK_ENDED, VALIDATION_FAILED for a move back to pending */
export function updateTask(draft: Draft, command: UpdateTaskCommand): void {
  const { task_id, status, agent_id } = command;
  const task = findTask(draft.state.tasks, task_id);
  if (!task) throw new BusError('TASK_NOT_FOUND', `Session ${command.session_id} has no task ${task_id}.`);
  if (agent_id !== undefined) assertMover(draft.state, task, status, agent_id);
  if (!isOpen(task)) {
    throw new BusError('TASK_ENDED', `Task ${task_id} is ${task.status}; delegate a new one.`);
  }
  if (status === 'pending')
    throw new BusError('VALIDATION_FAILED', 'A task cannot go back to pending; name another status.');
  const outcome = {
    by: agent_id ?? null,
    ...(command.result === undefined ? {} : { result: command.result }),
    ...(command.error === undefined ? {} : { error: command.error }),
  };
  if (status !== 'in_progress') endTask(draft, task, { status, ...outcome });
  else
    draft.record({
      type: 'task_updated',
      data: { task_id, status, ...outcome },
    });
}

/** Who has a task moves it, nobody who had it before; who asked for it, or leads the session, calls it off. @throws BusError FORBIDDEN */
function assertMover({ session }: SessionAggregate, task: Task, status: TaskStatus, agent: AgentId): void {
  const { task_id, delegator, delegatee } = task;
  const isCancelled = status === 'cancelled';
  if (isCancelled ? agent === delegator || agent === session.orchestrator : agent === delegatee) return;
  throw new BusError(
    'FORBIDDEN',
    isCancelled
      ? `Only ${delegator}, who asked for task ${task_id}, or the orchestrator may cancel it.`
      : `Task ${task_id} is with ${delegatee}; only that agent may move it.`,
  );
}

/** Times out what is past its deadline, but for what a fallback may still get: there delivery decides. */
export function timeOutTasks(draft: Draft, undelegable: readonly TaskId[]): void {
  for (const task of dueTasks(draft.state.tasks, draft.at)) {
    if (!hasFallbacks(task) || undelegable.includes(task.task_id)) endTask(draft, task, { status: 'timeout' });
  }
}

/** Moves an open task to its end, and the step with it where that was the last thing it waited for. */
export function endTask(draft: Draft, task: Task, end: Omit<TaskUpdatedData, 'task_id'>): void {
  draft.record({
    type: 'task_updated',
    data: { task_id: task.task_id, ...end },
  });
  completeStepIfDone(draft, task.step);
}

/** @throws BusError TASK_EXISTS */
export function assertNewTask(state: SessionAggregate, taskId: TaskId): void {
  if (!findTask(state.tasks, taskId)) return;
  throw new BusError(
    'TASK_EXISTS',
    `Session ${state.session.session_id} has a task ${taskId} already; choose another id.`,
  );
}
