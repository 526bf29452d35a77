// Questions about sessions and their tasks, answered in pages.
import { jsonSize } from '../core/json/size.ts';
import { onOnePage } from '../core/paging/page-budget.ts';
import { invalid } from '../core/session/names.ts';
import type { SessionAggregate } from '../core/session/state.ts';
import { allTasks, findTask } from '../core/session/task-index.ts';
import type { Page } from '../ports/mailbox-store.ts';
import type {
  AgentId,
  Session,
  SessionFilter,
  Task,
  TaskFilter,
  TaskId,
  TaskStatus,
  WorkflowProgress,
} from '../protocol/types.gen.ts';
import { assertFields } from './session-input.ts';

const sessionFields: Record<keyof SessionFilter, true> = {
  state: true,
  workspace_id: true,
  user_id: true,
  participant: true,
  name: true,
  limit: true,
  after: true,
};
const taskFields: Record<keyof TaskFilter, true> = {
  status: true,
  agent_id: true,
  step: true,
  workspace_id: true,
  limit: true,
  after: true,
};
const defaultLimit = 100;
const highestLimit = 1000;

function limitOf({ limit = defaultLimit }: { limit?: number }): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= highestLimit) return limit;
  throw invalid('limit', `must be a whole number from 1 to ${highestLimit}`);
}

/** In the order of their ids, so that a page does not move when sessions come and go. Live state: copy it. @throws BusError VALIDATION_FAILED */
export function sessionPage(
  sessions: Iterable<SessionAggregate>,
  filter: SessionFilter,
  memberId?: AgentId,
): Page<Session> {
  assertFields('filter', filter, sessionFields);
  const { after } = filter;
  const limit = limitOf(filter);
  const matching = [...sessions]
    .map((one) => one.session)
    .filter(
      (session) => matchesSession(session, filter, memberId) && (after === undefined || session.session_id > after),
    )
    .sort(byId);
  return pageOf(matching.slice(0, limit + 1), limit, (session) => session.session_id);
}

/** One page of several that were asked for the same. Equal ids share a page, however long: the cursor tells them not apart. */
export function mergedPage(pages: Page<Session>[], filter: SessionFilter): Page<Session> {
  const all = pages.flatMap((page) => page.items).sort(byId);
  // Behind where a page ends there may be more of its sessions, before those of others.
  const ends = pages.flatMap(({ next }) => next ?? []).sort();
  const known = all.filter(({ session_id }) => ends[0] === undefined || session_id <= ends[0]);
  const last = onOnePage(known.slice(0, limitOf(filter)), jsonSize).at(-1);
  if (!last) return { items: [] };
  const items = known.filter(({ session_id }) => session_id <= last.session_id);
  return items.length < all.length || ends.length > 0 ? { items, next: last.session_id } : { items };
}

function byId(a: Session, b: Session): number {
  return Number(a.session_id > b.session_id) - Number(a.session_id < b.session_id);
}

function matchesSession(session: Session, filter: SessionFilter, memberId: AgentId | undefined): boolean {
  const { state, workspace_id, user_id, name, participant } = filter;
  return (
    (state === undefined || session.state === state) &&
    (workspace_id === undefined || session.workspace_id === workspace_id) &&
    (user_id === undefined || session.user_id === user_id) &&
    (name === undefined || session.name === name) &&
    (participant === undefined || takesPart(session, participant)) &&
    (memberId === undefined || takesPart(session, memberId))
  );
}

function takesPart({ participants }: Session, agentId: AgentId): boolean {
  return participants.some((one) => one.agent_id === agentId && one.status === 'active');
}

/** In the order of their creation; `after` is the id of a task. Live state: copy it. @throws BusError VALIDATION_FAILED */
export function taskPage({ tasks }: SessionAggregate, filter: TaskFilter): Page<Task> {
  assertFields('filter', filter, taskFields);
  const { after } = filter;
  const limit = limitOf(filter);
  if (after !== undefined && !findTask(tasks, after)) throw invalid('after', 'must be the `next` of a page before');
  const found: Task[] = [];
  for (const task of allTasks(tasks, after)) {
    if (matchesTask(task, filter)) found.push(task);
    if (found.length > limit) break;
  }
  return pageOf(found, limit, (task) => task.task_id);
}

function matchesTask(task: Task, { status, agent_id, step }: TaskFilter): boolean {
  return (
    (status === undefined || task.status === status) &&
    (agent_id === undefined || task.delegatee === agent_id) &&
    (step === undefined || task.step === step)
  );
}

/** `found` holds one more than the limit where there is another page. */
function pageOf<T>(found: T[], limit: number, cursor: (item: T) => string): Page<T> {
  const items = onOnePage(found.slice(0, limit), jsonSize);
  const last = items.at(-1);
  return last !== undefined && found.length > items.length ? { items, next: cursor(last) } : { items };
}

export function progressOf({ session: { workflow } }: SessionAggregate): WorkflowProgress {
  const { steps, ...standing } = workflow;
  const total = steps.length;
  const completed = workflow.completed_steps.length;
  return { ...standing, total, completed, percent: total === 0 ? 0 : Math.floor((completed / total) * 100) };
}

/** The first task with that id in any of the sessions. */
export function anyTask(sessions: Iterable<SessionAggregate>, taskId: TaskId): Task | undefined {
  for (const { tasks } of sessions) {
    const task = findTask(tasks, taskId);
    if (task) return task;
  }
  return undefined;
}

export function tasksOfAgent(sessions: Iterable<SessionAggregate>, agentId: AgentId): Task[] {
  return [...sessions].flatMap(({ tasks }) => [...allTasks(tasks)].filter((task) => task.delegatee === agentId));
}

export function tasksWithStatus(sessions: Iterable<SessionAggregate>, status: TaskStatus): Task[] {
  return [...sessions].flatMap(({ tasks }) => [...allTasks(tasks)].filter((task) => task.status === status));
}
