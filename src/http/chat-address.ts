// Which chat a path names: one of its session, or the one that is active there.
import type { FastifyRequest } from 'fastify';
import type { ChatInstance } from '../bus/chat-instance.ts';
import { activeChat } from '../bus/chats.ts';
import type { SessionsView } from '../bus/sessions-view.ts';
import { noSuchChat } from '../core/session/chats.ts';
import type { ChatId, SessionId } from '../protocol/types.gen.ts';

export type InSession = { Params: { session_id: SessionId } };
export type OfChat = { Params: { session_id: SessionId; chat_id: ChatId } };

/** The sessions of the workspace in which the named one is: ids of chats are unique there. @throws BusError SESSION_NOT_FOUND */
export function sessionsAround({ sessions }: FastifyRequest, sessionId: SessionId): SessionsView {
  return sessions.workspace(sessions.workspaceOf(sessionId));
}

/** @throws BusError SESSION_NOT_FOUND, NO_ACTIVE_CHAT; CHAT_NOT_FOUND also for the chat of another session */
export function chatAt(sessions: SessionsView, { session_id, chat_id }: OfChat['Params']): ChatInstance {
  if (chat_id === activeChat) return sessions.getActiveChat(session_id);
  const chat = sessions.getChat(chat_id);
  if (chat?.sessionId !== session_id) throw noSuchChat(chat_id, session_id);
  return chat;
}
