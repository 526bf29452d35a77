// Gives a report the values that it only names: results, errors, and the positions and decisions made of them.
import type { Conflict, Decision, SessionSummary, Task, TaskId, TaskSummary } from '../../protocol/types.gen.ts';
import type { SessionAggregate } from '../session/state.ts';
import { findTask } from '../session/task-index.ts';
import { contentOf, valueIn } from './content.ts';

/** Shares with the state: copy it before handing it out. */
export function withValues(report: SessionSummary, { session, tasks }: SessionAggregate): SessionSummary {
  const { outcome } = session;
  const find = (id: TaskId): Task | undefined => findTask(tasks, id);
  const summaries = (all: readonly TaskSummary[]) => all.map((one) => taskWithValues(one, find(one.task_id)));
  const part = (id: TaskId | undefined, field: string | null): unknown =>
    id === undefined ? undefined : valueIn(contentOf(find(id)?.result), field);
  return {
    ...report,
    steps: report.steps.map((step) => ({ ...step, results: summaries(step.results) })),
    open: summaries(report.open),
    failed: summaries(report.failed),
    cancelled: summaries(report.cancelled),
    conflicts: report.conflicts.map((conflict) => conflictWithValues(conflict, part)),
    decisions: report.decisions.map((decision) => decisionWithValues(decision, part)),
    artifacts: outcome?.artifacts ?? [],
    ...(outcome === undefined ? {} : { outcome }),
  };
}

type Part = (id: TaskId | undefined, field: string | null) => unknown;

function taskWithValues(summary: TaskSummary, task: Task | undefined): TaskSummary {
  return {
    ...summary,
    ...(summary.status === 'completed' && { result: task?.result ?? null }),
    ...(task?.error === undefined ? {} : { error: task.error }),
  };
}

function conflictWithValues({ positions, ...conflict }: Conflict, part: Part): Conflict {
  return {
    ...conflict,
    positions: positions.map(({ said_by }) => ({ value: part(said_by[0]?.task_id, conflict.field), said_by })),
  };
}

function decisionWithValues({ fields, ...decision }: Decision, part: Part): Decision {
  if (!fields) return { ...decision, ...(decision.task_id && { value: part(decision.task_id, null) }) };
  const filled = fields.map(({ field, verdict, task_id, ...rest }) => ({
    field,
    verdict,
    ...(task_id !== undefined && { task_id, value: part(task_id, field) }),
    ...rest,
  }));
  const decided = filled.filter(({ verdict }) => verdict !== 'undecided');
  // fromEntries defines properties, so that a key `__proto__` stays a key.
  const value = Object.fromEntries(decided.map((field) => [field.field, 'value' in field ? field.value : null]));
  return { ...decision, value, fields: filled };
}
