// From a command to the events that carry it out, or to the refusal.
import type { SessionEvent, SessionEventBody } from '../../protocol/types.gen.ts';
import type { SessionCommand } from './commands.ts';
import { clearChatHistory, createChat, deleteChat, endChatTurn, startChatTurn, switchChat } from './decide-chats.ts';
import { updateContext } from './decide-context.ts';
import { reassignTask, recordBroadcast, recordMessage, reportDeadMessage, reportRetry } from './decide-message.ts';
import { addParticipant, removeParticipant, reportWithdrawnMessages } from './decide-participants.ts';
import { completeSession, createSession, expire, terminateSession } from './decide-session.ts';
import { delegateTask, updateTask } from './decide-tasks.ts';
import { advanceWorkflow, updateWorkflow } from './decide-workflow.ts';
import { type Draft, draftOn, nextEvent } from './draft.ts';
import { evolve } from './evolve.ts';
import { assertActive, assertFound, type SessionAggregate } from './state.ts';

/** The events of a command with their headers, and the session after them. */
export interface Decision {
  readonly events: readonly SessionEvent[];
  readonly state: SessionAggregate | undefined;
}

/**
 * What a command makes happen; nothing where it has been carried out before.
 * @throws BusError where the session, as it is, does not allow the command; nothing has changed then
 */
export function decide(state: SessionAggregate | undefined, command: SessionCommand): SessionEventBody[] {
  return execute(state, command).events.map(({ id: _, session_id: _s, at: _a, ...body }) => body);
}

/** `decide` and the fold of what it decided, in one go. @throws BusError as `decide` */
export function execute(state: SessionAggregate | undefined, command: SessionCommand): Decision {
  const { session_id, at } = command;
  if (command.type === 'create_session') {
    const event = nextEvent(state, session_id, at, createSession(state, command));
    return { events: [event], state: evolve(state, event) };
  }
  if (isReport(command)) {
    // The bus reports what happened: too late or about nothing known is no one's mistake.
    if (state?.session.state !== 'active') return { events: [], state };
  } else if (command.type === 'record_message' || command.type === 'record_broadcast') {
    assertFound(state, session_id);
  } else {
    assertActive(state, session_id);
  }
  const draft = draftOn(state, at);
  carryOut(draft, command);
  return { events: draft.events, state: draft.state };
}

const reports = [
  'reassign_task',
  'report_retry',
  'report_dead_message',
  'report_withdrawn_messages',
  'expire',
  'end_chat_turn',
] as const;
type Report = Extract<SessionCommand, { type: (typeof reports)[number] }>;

function isReport(command: SessionCommand): command is Report {
  return reports.some((type) => type === command.type);
}

function carryOut(draft: Draft, command: Exclude<SessionCommand, { type: 'create_session' }>): void {
  switch (command.type) {
    case 'add_participant':
      addParticipant(draft, command);
      break;
    case 'remove_participant':
      removeParticipant(draft, command);
      break;
    case 'update_workflow':
      updateWorkflow(draft, command);
      break;
    case 'advance_workflow':
      advanceWorkflow(draft);
      break;
    case 'update_context':
      updateContext(draft, command);
      break;
    case 'record_message':
      recordMessage(draft, command);
      break;
    case 'record_broadcast':
      recordBroadcast(draft, command);
      break;
    case 'delegate_task':
      delegateTask(draft, command);
      break;
    case 'update_task':
      updateTask(draft, command);
      break;
    case 'reassign_task':
      reassignTask(draft, command);
      break;
    case 'report_retry':
      reportRetry(draft, command);
      break;
    case 'report_dead_message':
      reportDeadMessage(draft, command);
      break;
    case 'report_withdrawn_messages':
      reportWithdrawnMessages(draft, command);
      break;
    case 'expire':
      expire(draft, command);
      break;
    case 'complete_session':
      completeSession(draft, command);
      break;
    case 'terminate_session':
      terminateSession(draft, command);
      break;
    case 'create_chat':
      createChat(draft, command);
      break;
    case 'switch_chat':
      switchChat(draft, command);
      break;
    case 'delete_chat':
      deleteChat(draft, command);
      break;
    case 'clear_chat_history':
      clearChatHistory(draft, command);
      break;
    case 'start_chat_turn':
      startChatTurn(draft, command);
      break;
    case 'end_chat_turn':
      endChatTurn(draft, command);
      break;
    default:
      command satisfies never;
  }
}
