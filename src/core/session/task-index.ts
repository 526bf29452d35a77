// All tasks of a session and every way they are looked up, without a scan and without copying them all at a change.
import type { AgentId, StepName, Task, TaskId, Timestamp } from '../../protocol/types.gen.ts';
import { first, get, remove, type SortedMap, set, values } from './sorted-map.ts';
import { askedAgent, isOpen, pairOf } from './tasks.ts';

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
  /** For whom a task in the step was completed since it was last (re)opened: the agents that were asked. */
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
  const entry = { task, order: old.order };
  const byId = set(index.byId, task.task_id, entry);
  if (!isOpen(old.task)) return { ...index, byId };
  if (isOpen(task)) return { ...index, byId, ...moved(index, old, entry) };
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
      completedBy: task.status === 'completed' ? including(step.completedBy, askedAgent(task)) : step.completedBy,
    })),
  };
}

/** The indexes of an open task that has gone to another delegatee, or has another deadline. */
function moved(index: TaskIndex, old: TaskEntry, now: TaskEntry): Pick<TaskIndex, 'byDeadline' | 'byPair'> {
  let { byDeadline, byPair } = index;
  if (now.task.deadline !== old.task.deadline) {
    byDeadline = set(remove(byDeadline, deadlineKey(old)), deadlineKey(now), now.task.task_id);
  }
  const from = pairOf(old.task.delegator, old.task.delegatee);
  const to = pairOf(now.task.delegator, now.task.delegatee);
  if (from !== to) {
    // Between those two it has ended: an answer that names nothing is about this task, and late.
    byPair = set(byPair, from, { open: remove(get(byPair, from)?.open, old.order), lastEnded: now.task.task_id });
    const lane = get(byPair, to);
    byPair = set(byPair, to, { ...lane, open: set(lane?.open, now.order, now.task.task_id) });
  }
  return { byDeadline, byPair };
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

/** The task from one agent to another that ended last, or went on to a fallback. */
export function lastEndedTask(index: TaskIndex, delegator: AgentId, delegatee: AgentId): Task | undefined {
  const ended = get(index.byPair, pairOf(delegator, delegatee))?.lastEnded;
  return ended === undefined ? undefined : findTask(index, ended);
}

/** Open tasks in the order of their deadlines. */
export function* tasksByDeadline(index: TaskIndex): Generator<Task, void, undefined> {
  for (const id of values(index.byDeadline)) {
    const task = findTask(index, id);
    if (task) yield task;
  }
}

/** Open tasks whose deadline has come, earliest first. */
export function* dueTasks(index: TaskIndex, at: Timestamp): Generator<Task, void, undefined> {
  for (const task of tasksByDeadline(index)) {
    if (task.deadline > at) return;
    yield task;
  }
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
