// Which step a request belongs to, and which task an answer is about.
import { isChatAgent } from '../../protocol/ids.ts';
import type { AgentId, StepName, Task, Workflow } from '../../protocol/types.gen.ts';
import type { SessionMessage } from './commands.ts';
import { get } from './sorted-map.ts';
import type { SessionAggregate } from './state.ts';
import { findTask, lastEndedTask, oldestOpenTask } from './task-index.ts';
import { hasHad } from './tasks.ts';
import { assertOpenStep, isOpenStep, stepNamed } from './workflow.ts';

/**
 * The step named; else the current one if the agent is required there, else the first open one that requires it, else none.
 * @throws BusError UNKNOWN_STEP, STEP_NOT_OPEN for a step that was named
 */
export function stepForTask(workflow: Workflow, agent: AgentId, named: StepName | undefined): StepName | null {
  if (named !== undefined) {
    assertOpenStep(workflow, stepNamed(workflow, named));
    return named;
  }
  const theirs = workflow.steps.filter((step) => step.required_agents.includes(agent) && isOpenStep(workflow, step));
  const step = theirs.find((one) => one.name === workflow.current_step) ?? theirs[0];
  return step?.name ?? null;
}

/**
 * The task that a message answers: the one it names by `task_id` or `in_reply_to`, if the sender has it or has had it, and
 * the recipient is the chat that asks, where it is one.
 * Without a name the oldest open one between the two, or, for a final answer that finds none, the one that ended last.
 */
export function answeredTask(state: SessionAggregate, message: SessionMessage): Task | undefined {
  const { task_id, in_reply_to } = message.metadata ?? {};
  if (task_id !== undefined || in_reply_to !== undefined) {
    const named =
      (task_id === undefined ? undefined : findTask(state.tasks, task_id)) ?? requestedBy(state, in_reply_to);
    return named && hasHad(named, message.sender) && reaches(named, message) ? named : undefined;
  }
  const open = oldestOpenTask(state.tasks, message.recipient, message.sender);
  if (open || message.message_type === 'status_update') return open;
  return lastEndedTask(state.tasks, message.recipient, message.sender);
}

/** Nobody hands on what was meant for a chat: there it waits for an answer until one is addressed to it. */
function reaches({ delegator }: Task, { recipient }: SessionMessage): boolean {
  return !isChatAgent(delegator) || delegator === recipient;
}

/** The task that a recorded message asked for. */
export function requestedBy(state: SessionAggregate, messageId: string | undefined): Task | undefined {
  const taskId = messageId === undefined ? undefined : get(state.messages, messageId)?.task_id;
  const task = taskId === undefined ? undefined : findTask(state.tasks, taskId);
  return task?.message_id === messageId ? task : undefined;
}
