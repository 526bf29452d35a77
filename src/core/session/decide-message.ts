// Decisions on what a message of the session, accepted or given up, does to its tasks.
import { isChatAgent } from '../../protocol/ids.ts';
import type { AgentId, MessageId, Task } from '../../protocol/types.gen.ts';
import type { RecordBroadcastCommand, RecordMessageCommand, RequestedTask, SessionMessage } from './commands.ts';
import { answeredTask, requestedBy, stepForTask } from './correlation.ts';
import { assertNewTask, endTask } from './decide-tasks.ts';
import type { Draft } from './draft.ts';
import type { ReassignTaskCommand, ReportDeadMessageCommand, ReportRetryCommand } from './message-reports.ts';
import { get } from './sorted-map.ts';
import { assertActive, assertParticipant, assertRoomFor, type SessionAggregate } from './state.ts';
import { askedAgent, isOpen, taskTypeOf } from './tasks.ts';

/**
 * Records a message once; again changes nothing, also after the session has ended.
 * @throws BusError SESSION_ENDED, NOT_A_PARTICIPANT, BUDGET_EXHAUSTED, UNKNOWN_STEP, STEP_NOT_OPEN, TASK_EXISTS
 */
export function recordMessage(draft: Draft, command: RecordMessageCommand): void {
  const { message, session_id } = command;
  if (message.message_type === 'heartbeat' || isRecorded(draft.state, message.message_id)) return;
  assertActive(draft.state, session_id);
  const answered = command.task ? undefined : answeredTask(draft.state, message);
  if (!answered || !isStandIn(answered, message.sender)) assertParticipant(draft.state, message.sender);
  assertRoomFor(1, draft.state.session);
  if (command.task) recordRequest(draft, message, command.task);
  else
    recordAnswer(draft, message, command.is_copy && answered?.delegator !== message.recipient ? undefined : answered);
}

/** @throws BusError as `recordMessage`, for whichever copy: then none is recorded */
export function recordBroadcast(draft: Draft, { session_id, at, copies }: RecordBroadcastCommand): void {
  for (const copy of copies) recordMessage(draft, { type: 'record_message', session_id, at, is_copy: true, ...copy });
}

/** A fallback need not take part in the session to answer what it got from it. */
function isStandIn(task: Task, sender: AgentId): boolean {
  return sender !== askedAgent(task);
}

function isRecorded(state: SessionAggregate, messageId: MessageId): boolean {
  return get(state.messages, messageId) !== undefined;
}

function recordRequest(draft: Draft, message: SessionMessage, requested: RequestedTask): void {
  const { task_id, deadline, addressed_to, routed_by, fallback_agents = [] } = requested;
  assertNewTask(draft.state, task_id);
  const { message_id, message_type, sender, recipient, priority } = message;
  const standIn = (asked: AgentId) => ({
    stands_in_for: asked,
    ...(routed_by !== undefined && {
      handovers: [{ from: asked, to: recipient, reason: routed_by, at: draft.at }],
    }),
  });
  // What is said in a chat is no work on a step.
  const step = isChatAgent(sender)
    ? null
    : stepForTask(draft.state.session.workflow, addressed_to ?? recipient, message.metadata?.step);
  draft.record({ type: 'message_recorded', data: { message_id, message_type, sender, recipient, task_id, step } });
  const task = {
    task_id,
    session_id: draft.state.session.session_id,
    step,
    message_id,
    delegator: sender,
    delegatee: recipient,
    task_type: taskTypeOf(message.payload),
    status: 'pending' as const,
    priority,
    created_at: draft.at,
    updated_at: draft.at,
    deadline,
    ...(addressed_to !== undefined && addressed_to !== recipient && standIn(addressed_to)),
    ...(fallback_agents.length > 0 && { fallback_agents }),
  };
  draft.record({ type: 'task_delegated', data: { task } });
}

function recordAnswer(draft: Draft, message: SessionMessage, task: Task | undefined): void {
  const { message_id, message_type, sender, recipient, payload } = message;
  const binding = task ? { task_id: task.task_id, step: task.step } : {};
  draft.record({
    type: 'message_recorded',
    data: { message_id, message_type, sender, recipient, ...binding },
  });
  if (!task) return;
  const { task_id } = task;
  if (!isOpen(task) || task.delegatee !== sender) {
    draft.record({
      type: 'task_answered_late',
      data: { task_id, message_id, message_type },
    });
  } else if (message_type === 'task_response') {
    endTask(draft, task, { status: 'completed', message_id, result: payload });
  } else if (message_type === 'error') {
    endTask(draft, task, { status: 'failed', message_id, error: payload });
  } else if (task.status === 'pending') {
    draft.record({
      type: 'task_updated',
      data: { task_id, status: 'in_progress', message_id },
    });
  }
}

/** Hands the task of a message on with it. The fallback starts anew; what it does counts for the agent that was asked. */
export function reassignTask(draft: Draft, command: ReassignTaskCommand): void {
  const { message_id, delegatee, reason, deadline, fallback_agents } = command;
  const task = requestedBy(draft.state, message_id);
  if (!task || !isOpen(task) || (task.delegatee === delegatee && task.deadline === deadline)) return;
  const { task_id, delegatee: from } = task;
  draft.record({
    type: 'task_reassigned',
    data: { task_id, message_id, from, delegatee, reason, deadline, fallback_agents },
  });
}

/** Keeps that the request of an open task has to be delivered again. */
export function reportRetry(draft: Draft, { message_id, outcome, reason }: ReportRetryCommand): void {
  const task = requestedBy(draft.state, message_id);
  if (!task || !isOpen(task)) return;
  const { task_id, delegatee } = task;
  const why = reason === undefined ? {} : { reason };
  draft.record({ type: 'task_retried', data: { task_id, message_id, delegatee, outcome, ...why } });
}

/** Ends the task that a dead letter asked for: timed out where it expired, else failed. */
export function reportDeadMessage(draft: Draft, { message_id, reason }: ReportDeadMessageCommand): void {
  const task = requestedBy(draft.state, message_id);
  if (!task || !isOpen(task)) return;
  if (reason === 'expired') endTask(draft, task, { status: 'timeout' });
  else
    endTask(draft, task, {
      status: 'failed',
      error: { code: 'DELIVERY_FAILED', reason },
    });
}
