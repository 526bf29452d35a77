// The life of a task: which states are open, and which moves are possible.
import type { AgentId, Task, TaskStatus } from '../../protocol/types.gen.ts';

/** Every status, in the order in which a task may go through them. */
export const taskStatuses: readonly TaskStatus[] = [
  'pending',
  'in_progress',
  'completed',
  'failed',
  'timeout',
  'cancelled',
];

/** An open task may still change; any other never does. */
export function isOpen(task: Task): boolean {
  return task.status === 'pending' || task.status === 'in_progress';
}

/** What a request calls its kind of work: `payload.task_type`, else `task`. */
export function taskTypeOf(payload: unknown): string {
  const named =
    typeof payload === 'object' && payload !== null && 'task_type' in payload ? payload.task_type : undefined;
  // The payload is the agents' own, of any size; this is a label.
  return typeof named === 'string' && named !== '' ? named.slice(0, 128) : 'task';
}

/** Names who asks whom; agent ids hold no blank. */
export function pairOf(delegator: AgentId, delegatee: AgentId): string {
  return `${delegator} ${delegatee}`;
}
