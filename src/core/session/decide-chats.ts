// Decisions on chats.
import { BusError } from '../../protocol/errors.ts';
import { chatAgentId } from '../../protocol/ids.ts';
import type { TaskUpdatedData, TurnId } from '../../protocol/types.gen.ts';
import { type ChatRecord, findChat, requireChat } from './chats.ts';
import type {
  ClearChatHistoryCommand,
  CreateChatCommand,
  DeleteChatCommand,
  EndChatTurnCommand,
  StartChatTurnCommand,
  SwitchChatCommand,
} from './commands.ts';
import { addParticipant, removeParticipant } from './decide-participants.ts';
import { endTask } from './decide-tasks.ts';
import type { Draft } from './draft.ts';
import { activeParticipant, assertParticipant, assertRoomFor } from './state.ts';
import { findTask } from './task-index.ts';
import { isOpen } from './tasks.ts';

/**
 * The first one becomes the active one. With an agent of the bus, both of them take part in the session.
 * @throws BusError CHAT_EXISTS, CHAT_LIMIT, PARTICIPANT_LIMIT
 */
export function createChat(draft: Draft, command: CreateChatCommand): void {
  const { chat_id, name, partner, history_limit, history_byte_limit, max_chats, session_id } = command;
  const { chats } = draft.state;
  if (findChat(chats, chat_id)) {
    throw new BusError('CHAT_EXISTS', `Session ${session_id} has a chat ${chat_id} already; choose another id.`);
  }
  if (max_chats > 0 && chats.all.length >= max_chats) {
    throw new BusError('CHAT_LIMIT', `A session takes at most ${max_chats} chats; delete one first.`);
  }
  draft.record({ type: 'chat_created', data: { chat_id, name, partner, history_limit, history_byte_limit } });
  if (partner.kind === 'model') return;
  for (const participant of [{ agent_id: chatAgentId(chat_id), role: 'chat' }, { agent_id: partner.agent_id }]) {
    if (activeParticipant(draft.state, participant.agent_id)) continue;
    addParticipant(draft, { ...command, type: 'add_participant', participant });
  }
}

/** @throws BusError CHAT_NOT_FOUND */
export function switchChat(draft: Draft, { chat_id, session_id }: SwitchChatCommand): void {
  requireChat(draft.state.chats, chat_id, session_id);
  if (draft.state.chats.active === chat_id) return;
  draft.record({ type: 'chat_switched', data: { chat_id } });
}

/** A turn that is open goes with it, and who asked for it; its agent stays in the session. @throws BusError CHAT_NOT_FOUND */
export function deleteChat(draft: Draft, command: DeleteChatCommand): void {
  const { chat_id, session_id } = command;
  const chat = requireChat(draft.state.chats, chat_id, session_id);
  if (chat.open) endTaskOf(draft, chat, chat.open.turn_id, cancelled);
  const agent_id = chatAgentId(chat_id);
  if (activeParticipant(draft.state, agent_id)) {
    removeParticipant(draft, { ...command, type: 'remove_participant', agent_id });
  }
  draft.record({ type: 'chat_deleted', data: { chat_id } });
}

/** An open turn stays, and is remembered once it is completed. @throws BusError CHAT_NOT_FOUND */
export function clearChatHistory(draft: Draft, { chat_id, session_id }: ClearChatHistoryCommand): void {
  const chat = requireChat(draft.state.chats, chat_id, session_id);
  if (chat.history.length > 0) draft.record({ type: 'chat_history_cleared', data: { chat_id } });
}

/**
 * Of an agent nothing is asked that it could not answer.
 * @throws BusError CHAT_NOT_FOUND; CHAT_BUSY while another turn is open; NOT_A_PARTICIPANT for an agent that has left the
 *   session; BUDGET_EXHAUSTED where question and reply are more messages than are left
 */
export function startChatTurn(draft: Draft, { chat_id, session_id, turn_id, content }: StartChatTurnCommand): void {
  const chat = requireChat(draft.state.chats, chat_id, session_id);
  if (chat.open) throw new BusError('CHAT_BUSY', `Chat ${chat_id} is answering; wait for its reply.`);
  if (chat.partner.kind === 'agent') {
    assertParticipant(draft.state, chat.partner.agent_id);
    assertRoomFor(2, draft.state.session);
  }
  draft.record({ type: 'chat_turn_started', data: { chat_id, turn_id, content } });
}

/** A report: a turn that is over, or whose chat is gone, stays as it is. The task of an agent ends with it. */
export function endChatTurn(draft: Draft, { chat_id, turn_id, outcome }: EndChatTurnCommand): void {
  const chat = findChat(draft.state.chats, chat_id);
  if (chat?.open?.turn_id !== turn_id) return;
  draft.record({ type: 'chat_turn_ended', data: { chat_id, turn_id, ...outcome } });
  // Where the agent has answered outside of the session, its task does not know yet.
  const isAnswered = outcome.status === 'completed';
  endTaskOf(draft, chat, turn_id, isAnswered ? { status: 'completed', result: outcome.content } : cancelled);
}

const cancelled = { status: 'cancelled' } as const;

/** What an agent of the bus was asked in a turn has the id of the turn. */
function endTaskOf(draft: Draft, { partner }: ChatRecord, turnId: TurnId, end: Omit<TaskUpdatedData, 'task_id'>): void {
  const task = partner.kind === 'agent' ? findTask(draft.state.tasks, turnId) : undefined;
  if (task && isOpen(task)) endTask(draft, task, end);
}

/** The session is over, and with it what is being answered. */
export function abortTurns(draft: Draft): void {
  for (const { chat_id, open } of draft.state.chats.all) {
    if (!open) continue;
    draft.record({ type: 'chat_turn_ended', data: { chat_id, turn_id: open.turn_id, status: 'aborted' } });
  }
}
