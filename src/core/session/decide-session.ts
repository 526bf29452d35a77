// Decisions on the beginning and the end of a session.
import { BusError } from '../../protocol/errors.ts';
import type { SessionEventBody, TaskId } from '../../protocol/types.gen.ts';
import { reportOf } from '../summary/report.ts';
import { byConsensus } from '../summary/synthesis-options.ts';
import type {
  CompleteSessionCommand,
  CreateSessionCommand,
  ExpireCommand,
  TerminateSessionCommand,
} from './commands.ts';
import { abortTurns } from './decide-chats.ts';
import { timeOutTasks } from './decide-tasks.ts';
import type { Draft } from './draft.ts';
import { firstParticipants } from './participants.ts';
import type { SessionAggregate } from './state.ts';
import { openTasks } from './task-index.ts';
import { workflowSteps } from './workflow-definition.ts';

/** @throws BusError SESSION_EXISTS, PARTICIPANT_EXISTS, PARTICIPANT_LIMIT, INVALID_WORKFLOW */
export function createSession(state: SessionAggregate | undefined, command: CreateSessionCommand): SessionEventBody {
  if (state) {
    throw new BusError('SESSION_EXISTS', `There is a session ${command.session_id} already; choose another id.`);
  }
  const participants = firstParticipants(command);
  const { name, user_id, workspace_id, orchestrator, shared_context, auto_advance, message_budget } = command;
  const steps = workflowSteps(command.steps, new Set(participants.map((one) => one.agent_id)));
  return {
    type: 'session_created',
    data: {
      name,
      user_id,
      workspace_id,
      orchestrator,
      participants,
      steps,
      shared_context,
      auto_advance,
      ...(message_budget !== undefined && { message_budget }),
    },
  };
}

/** Keeps the summary as it is then. @throws BusError VALIDATION_FAILED for a selection that does not fit the tasks */
export function completeSession(draft: Draft, { summary, artifacts, synthesis }: CompleteSessionCommand): void {
  abortTurns(draft);
  cancelAll(draft);
  const data = {
    ...(summary === undefined ? {} : { summary }),
    ...(artifacts === undefined ? {} : { artifacts }),
  };
  const ending = { type: 'session_completed', data } as const;
  const report = reportOf(draft.after(ending), synthesis ?? byConsensus);
  draft.record({ ...ending, data: { ...data, report } });
}

export function terminateSession(draft: Draft, { reason, details }: TerminateSessionCommand): void {
  abortTurns(draft);
  const cancelled_tasks = cancelAll(draft);
  const data = {
    reason,
    ...(details === undefined ? {} : { details }),
    cancelled_tasks,
  };
  draft.record({ type: 'session_terminated', data });
}

export function expire(draft: Draft, { idle_since, undelegable = [] }: ExpireCommand): void {
  const { updated_at: lastEvent } = draft.state.session;
  timeOutTasks(draft, undelegable);
  if (lastEvent > idle_since) return;
  abortTurns(draft);
  const cancelled_tasks = cancelAll(draft);
  draft.record({ type: 'session_terminated', data: { reason: 'timeout', cancelled_tasks } });
}

/** No step completes here: the session is over. */
function cancelAll(draft: Draft): TaskId[] {
  const ids = openTasks(draft.state.tasks).map((task) => task.task_id);
  for (const task_id of ids)
    draft.record({
      type: 'task_updated',
      data: { task_id, status: 'cancelled' },
    });
  return ids;
}
