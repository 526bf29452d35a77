// Decisions on the beginning and the end of a session.
import { BusError } from '../../protocol/errors.ts';
import type { SessionEventBody, TaskId } from '../../protocol/types.gen.ts';
import type {
  CompleteSessionCommand,
  CreateSessionCommand,
  ExpireCommand,
  TerminateSessionCommand,
} from './commands.ts';
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
  const { name, user_id, workspace_id, orchestrator, shared_context, auto_advance } = command;
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
    },
  };
}

export function completeSession(draft: Draft, { summary, artifacts }: CompleteSessionCommand): void {
  cancelAll(draft);
  const data = {
    ...(summary === undefined ? {} : { summary }),
    ...(artifacts === undefined ? {} : { artifacts }),
  };
  draft.record({ type: 'session_completed', data });
}

export function terminateSession(draft: Draft, { reason, details }: TerminateSessionCommand): void {
  const cancelled_tasks = cancelAll(draft);
  const data = {
    reason,
    ...(details === undefined ? {} : { details }),
    cancelled_tasks,
  };
  draft.record({ type: 'session_terminated', data });
}

export function expire(draft: Draft, { idle_since }: ExpireCommand): void {
  const { updated_at: lastEvent } = draft.state.session;
  timeOutTasks(draft);
  if (lastEvent > idle_since) return;
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
