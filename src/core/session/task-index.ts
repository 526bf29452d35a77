// All tasks of a session and every way they are looked up, without a scan and without copying them all at a change.
import type { AgentId, StepName, Task, TaskId } from '../../protocol/types.gen.ts';
import { first, get, remove, type SortedMap, set, values } from './sorted-map.ts';
import { isOpen, pairOf } from './tasks.ts';

interface TaskEntry {
  readonly task: Task;
  /** Sorts tasks by their creation. */
  readonly order: string;
}

interface PairTasks {
  readonly open: SortedMap<TaskId>;
  readonly lastEnded?: TaskId;
}

interface StepTasks {
  readonly total: number;
  readonly open: number;
  /** Who completed a task in the step since it was last (re)opened. */
  readonly completedBy: readonly AgentId[];
}

export interface TaskIndex {
  readonly byId: SortedMap<TaskEntry>;
  readonly byOrder: SortedMap<TaskId>;
  /** Open tasks only. */
  readonly byDeadline: SortedMap<TaskId>;
  readonly byPair: SortedMap<PairTasks>;
  readonly byStep: SortedMap<StepTasks>;
}

export const noTasks: TaskIndex = {
  byId: undefined,
  byOrder: undefined,
  byDeadline: undefined,
  byPair: undefined,
  byStep: undefined,
};

const noStepTasks: StepTasks = { total: 0, open: 0, completedBy: [] };

/** The version of the session when the task came, padded so that it sorts as text. */
const orderOf = (version: number): string => String(version).padStart(16, '0');

// Timestamps of one width compare like instants; the order makes the key unique.
const deadlineKey = ({ task, order }: TaskEntry): string => `${task.deadline} ${order}`;

/** Takes in a new, open task. */
export function addTask(index: TaskIndex, task: Task, version: number): TaskIndex {
  const entry = { task, order: orderOf(version) };
  const pair = pairOf(task.delegator, task.delegatee);
  const lane = get(index.byPair, pair);
  return {
    byId: set(index.byId, task.task_id, entry),
    byOrder: set(index.byOrder, entry.order, task.task_id),
    byDeadline: set(index.byDeadline, deadlineKey(entry), task.task_id),
    byPair: set(index.byPair, pair, {
      ...lane,
      open: set(lane?.open, entry.order, task.task_id),
    }),
    byStep: changeStep(index, task.step, (step) => ({
      ...step,
      total: step.total + 1,
      open: step.open + 1,
    })),
  };
}

/** Puts a task in the place of the one with the same id; unknown ids and tasks that are over stay as they are. */
export function replaceTask(index: TaskIndex, task: Task): TaskIndex {
  const old = get(index.byId, task.task_id);
  if (!old) return index;
  const byId = set(index.byId, task.task_id, { task, order: old.order });
  if (!isOpen(old.task) || isOpen(task)) return { ...index, byId };
  const pair = pairOf(task.delegator, task.delegatee);
  return {
    byId,
    byOrder: index.byOrder,
    byDeadline: remove(index.byDeadline, deadlineKey(old)),
    byPair: set(index.byPair, pair, {
      open: remove(get(index.byPair, pair)?.open, old.order),
      lastEnded: task.task_id,
    }),
    byStep: changeStep(index, task.step, (step) => ({
      ...step,
      open: step.open - 1,
      completedBy: task.status === 'completed' ? including(step.completedBy, task.delegatee) : step.completedBy,
    })),
  };
}

/** Forgets who has done their part of a step: a step that is open again is done again. */
export function reopenStep(index: TaskIndex, step: StepName): TaskIndex {
  return {
    ...index,
    byStep: changeStep(index, step, (tasks) => ({ ...tasks, completedBy: [] })),
  };
}

function changeStep(
  index: TaskIndex,
  step: StepName | null,
  change: (tasks: StepTasks) => StepTasks,
): TaskIndex['byStep'] {
  return step === null ? index.byStep : set(index.byStep, step, change(stepTasks(index, step)));
}

function including(agents: readonly AgentId[], agent: AgentId): readonly AgentId[] {
  return agents.includes(agent) ? agents : [...agents, agent];
}

export function findTask(index: TaskIndex, taskId: TaskId): Task | undefined {
  return get(index.byId, taskId)?.task;
}

export function stepTasks(index: TaskIndex, step: StepName): StepTasks {
  return get(index.byStep, step) ?? noStepTasks;
}

/** The oldest open task from one agent to another. */
export function oldestOpenTask(index: TaskIndex, delegator: AgentId, delegatee: AgentId): Task | undefined {
  const oldest = first(get(index.byPair, pairOf(delegator, delegatee))?.open);
  return oldest && findTask(index, oldest.value);
}

/** The task from one agent to another that ended last. */
export function lastEndedTask(index: TaskIndex, delegator: AgentId, delegatee: AgentId): Task | undefined {
  const ended = get(index.byPair, pairOf(delegator, delegatee))?.lastEnded;
  return ended === undefined ? undefined : findTask(index, ended);
}

/** The open task that times out first. */
export function nextDeadline(index: TaskIndex): Task | undefined {
  const next = first(index.byDeadline);
  return next && findTask(index, next.value);
}

/** Open tasks in the order of their creation. */
export function openTasks(index: TaskIndex): Task[] {
  const entries = [...values(index.byDeadline)].flatMap((id) => get(index.byId, id) ?? []);
  return entries.sort((a, b) => (a.order < b.order ? -1 : 1)).map((entry) => entry.task);
}

/** Tasks in the order of their creation; with `after`, those created after that task. */
export function* allTasks(index: TaskIndex, after?: TaskId): Generator<Task, void, undefined> {
  const order = after === undefined ? undefined : get(index.byId, after)?.order;
  for (const id of values(index.byOrder, order)) {
    const task = findTask(index, id);
    if (task) yield task;
  }
}
