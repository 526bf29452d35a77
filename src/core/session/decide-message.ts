// Decisions on what a message of the session, accepted or given up, does to its tasks.
import type { MessageId } from '../../protocol/types.gen.ts';
import type { RecordMessageCommand, ReportDeadMessageCommand, SessionMessage } from './commands.ts';
import { answeredTask, requestedBy, stepForTask } from './correlation.ts';
import { assertNewTask, endTask } from './decide-tasks.ts';
import type { Draft } from './draft.ts';
import { get } from './sorted-map.ts';
import { assertActive, assertParticipant, type SessionAggregate } from './state.ts';
import { isOpen, taskTypeOf } from './tasks.ts';

type NewTask = NonNullable<RecordMessageCommand['task']>;

/**
 * Records a message once; again changes nothing, also after the session has ended.
 * @throws BusError SESSION_ENDED, NOT_A_PARTICIPANT, UNKNOWN_STEP, STEP_NOT_OPEN, TASK_EXISTS
 */
export function recordMessage(draft: Draft, command: RecordMessageCommand): void {
  const { message, session_id } = command;
  if (message.message_type === 'heartbeat' || isRecorded(draft.state, message.message_id)) return;
  assertActive(draft.state, session_id);
  assertParticipant(draft.state, message.sender);
  if (command.task) recordRequest(draft, message, command.task);
  else recordAnswer(draft, message);
}

function isRecorded(state: SessionAggregate, messageId: MessageId): boolean {
  return get(state.messages, messageId) !== undefined;
}

function recordRequest(draft: Draft, message: SessionMessage, { task_id, deadline }: NewTask): void {
  assertNewTask(draft.state, task_id);
  const { message_id, message_type, sender, recipient, priority } = message;
  const step = stepForTask(draft.state.session.workflow, recipient, message.metadata?.step);
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
  };
  draft.record({ type: 'task_delegated', data: { task } });
}

function recordAnswer(draft: Draft, message: SessionMessage): void {
  const task = answeredTask(draft.state, message);
  const { message_id, message_type, sender, recipient, payload } = message;
  const binding = task ? { task_id: task.task_id, step: task.step } : {};
  draft.record({
    type: 'message_recorded',
    data: { message_id, message_type, sender, recipient, ...binding },
  });
  if (!task) return;
  const { task_id } = task;
  if (!isOpen(task)) {
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
