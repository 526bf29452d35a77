// What was recorded of single tasks, and of several counted together.
import type { FallbackSummary, Task, TaskStatus, TaskSummary, Timestamp } from '../../protocol/types.gen.ts';
import { isOpen, taskStatuses } from '../session/tasks.ts';

/** Without result and error: whoever shows it looks them up in the task. */
export function taskSummary(task: Task): TaskSummary {
  const { task_id, step, task_type, delegatee, delegator, stands_in_for, status, created_at, updated_at } = task;
  const started_at = task.started_at ?? task.handovers?.at(-1)?.at ?? created_at;
  return {
    task_id,
    step,
    task_type,
    agent_id: delegatee,
    delegator,
    ...(stands_in_for !== undefined && { stands_in_for }),
    status,
    created_at,
    started_at,
    ...(isOpen(task) ? { duration_ms: null } : { ended_at: updated_at, duration_ms: between(started_at, updated_at) }),
    retries: task.retries ?? 0,
  };
}

export function fallbacksOf({ task_id, step, handovers = [] }: Task): FallbackSummary[] {
  return handovers.map((handover) => ({ task_id, step, ...handover }));
}

export function countByStatus(tasks: readonly Task[]): Record<TaskStatus, number> {
  const counts = Object.fromEntries(taskStatuses.map((status) => [status, 0])) as Record<TaskStatus, number>;
  for (const task of tasks) counts[task.status] += 1;
  return counts;
}

export function retriesOf(tasks: readonly Task[]): number {
  return tasks.reduce((sum, { retries = 0 }) => sum + retries, 0);
}

/** Milliseconds; the machine's clock may have stepped back in between. */
export function between(start: Timestamp, end: Timestamp): number {
  return Math.max(0, Date.parse(end) - Date.parse(start));
}
