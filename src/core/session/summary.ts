// The executive summary of a session: recorded facts only.
import type {
  Conflict,
  SessionSummary,
  StepName,
  StepSummary,
  Task,
  TaskResult,
  TaskStatus,
  Workflow,
} from '../../protocol/types.gen.ts';
import { equalJson } from '../json/equal.ts';
import type { SessionAggregate } from './state.ts';
import { allTasks } from './task-index.ts';
import { isOpen, taskStatuses } from './tasks.ts';

/** The same for the same events, whenever it is asked for. Shares with the state: copy it before handing it out. */
export function summarize({ session, tasks: index }: SessionAggregate): SessionSummary {
  const tasks = [...allTasks(index)];
  const { workflow, outcome, ended_at } = session;
  const unbound = tasks.some((task) => task.step === null) ? [null] : [];
  return {
    session_id: session.session_id,
    name: session.name,
    state: session.state,
    created_at: session.created_at,
    updated_at: session.updated_at,
    ...(ended_at === undefined ? {} : { ended_at }),
    duration_ms: between(session.created_at, ended_at ?? session.updated_at),
    participants: session.participants,
    tasks: countByStatus(tasks),
    steps: [...workflow.steps.map((step) => step.name), ...unbound].map((step) => stepSummary(workflow, step, tasks)),
    open: tasks.filter(isOpen),
    failed: tasks.filter((task) => task.status === 'failed' || task.status === 'timeout'),
    conflicts: conflictsOf(tasks),
    artifacts: outcome?.artifacts ?? [],
    ...(outcome === undefined ? {} : { outcome }),
  };
}

function stepSummary(workflow: Workflow, step: StepName | null, all: readonly Task[]): StepSummary {
  const tasks = all.filter((task) => task.step === step);
  return {
    step,
    state: stateOf(workflow, step),
    tasks: countByStatus(tasks),
    agents: [...new Set(tasks.map((task) => task.delegatee))],
    duration_ms: durationOf(tasks),
    results: tasks.filter((task) => task.status === 'completed').map(resultOf),
  };
}

function stateOf(workflow: Workflow, step: StepName | null): StepSummary['state'] {
  if (step === null) return 'none';
  if (step === workflow.current_step) return 'current';
  return workflow.completed_steps.includes(step) ? 'completed' : 'pending';
}

function countByStatus(tasks: readonly Task[]): Record<TaskStatus, number> {
  const counts = Object.fromEntries(taskStatuses.map((status) => [status, 0])) as Record<TaskStatus, number>;
  for (const task of tasks) counts[task.status] += 1;
  return counts;
}

/** From the first request to the last answer; null before the first answer. */
function durationOf(tasks: readonly Task[]): number | null {
  const starts = tasks.map((task) => task.created_at).sort();
  const ends = tasks
    .filter((task) => task.status === 'completed' || task.status === 'failed')
    .map((task) => task.updated_at);
  const start = starts[0];
  const end = ends.sort().at(-1);
  return start === undefined || end === undefined ? null : between(start, end);
}

/** The machine's clock may have stepped back in between. */
function between(start: string, end: string): number {
  return Math.max(0, Date.parse(end) - Date.parse(start));
}

function conflictsOf(tasks: readonly Task[]): Conflict[] {
  const groups = new Map<string, Conflict>();
  for (const task of tasks) {
    if (task.status !== 'completed') continue;
    const key = JSON.stringify([task.step, task.task_type]);
    const group = groups.get(key) ?? { step: task.step, task_type: task.task_type, results: [] };
    group.results.push(resultOf(task));
    groups.set(key, group);
  }
  return [...groups.values()].filter(({ results }) =>
    results.some((one) => !equalJson(one.result, results[0]?.result)),
  );
}

function resultOf({ delegatee, task_id, task_type, result }: Task): TaskResult {
  return { agent_id: delegatee, task_id, task_type, result: result ?? null };
}
