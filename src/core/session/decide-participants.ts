// Decisions on who takes part.
import { BusError } from '../../protocol/errors.ts';
import type { AddParticipantCommand, RemoveParticipantCommand } from './commands.ts';
import { endTask } from './decide-tasks.ts';
import type { Draft } from './draft.ts';
import type { ReportWithdrawnMessagesCommand } from './message-reports.ts';
import { existing, joining, withinLimit } from './participants.ts';
import { activeParticipant } from './state.ts';
import { openTasks } from './task-index.ts';

/** One who left comes back in the role it had, unless another is given. @throws BusError PARTICIPANT_EXISTS, PARTICIPANT_LIMIT */
export function addParticipant(draft: Draft, { participant: input, max_participants }: AddParticipantCommand): void {
  const { participants } = draft.state.session;
  const before = participants.find((one) => one.agent_id === input.agent_id);
  if (before?.status === 'active') throw existing(input.agent_id);
  const participant = joining(input, draft.at, before?.role);
  withinLimit([...participants, participant], max_participants);
  draft.record({ type: 'participant_added', data: { participant } });
}

/** The leaver's open tasks are cancelled; what it asked of others goes on. @throws BusError PARTICIPANT_NOT_FOUND */
export function removeParticipant(draft: Draft, { agent_id, session_id }: RemoveParticipantCommand): void {
  if (!activeParticipant(draft.state, agent_id)) {
    throw new BusError('PARTICIPANT_NOT_FOUND', `${agent_id} is no active participant of session ${session_id}.`);
  }
  const theirs = openTasks(draft.state.tasks).filter((task) => task.delegatee === agent_id);
  draft.record({
    type: 'participant_removed',
    data: { agent_id, cancelled_tasks: theirs.map((task) => task.task_id) },
  });
  for (const task of theirs) endTask(draft, task, { status: 'cancelled' });
}

export function reportWithdrawnMessages(draft: Draft, { agent_id, message_ids }: ReportWithdrawnMessagesCommand): void {
  draft.record({ type: 'messages_withdrawn', data: { agent_id, message_ids } });
}
