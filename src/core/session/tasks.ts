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

/** Whether it may go on to a fallback when its delegatee does not take it. */
export function hasFallbacks({ fallback_agents = [] }: Task): boolean {
  return fallback_agents.length > 0;
}

/** Who was asked: the delegatee, or the agent that it stands in for. */
export function askedAgent({ stands_in_for, delegatee }: Task): AgentId {
  return stands_in_for ?? delegatee;
}

/** Whether the task is the agent's, or was before it went on to a fallback. */
export function hasHad({ delegatee, former_delegatees = [] }: Task, agent: AgentId): boolean {
  return delegatee === agent || former_delegatees.includes(agent);
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
