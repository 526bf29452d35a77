// The chats of a session: who talks with whom, and what was said as far as it is remembered.
import { BusError } from '../../protocol/errors.ts';
import type {
  Chat,
  ChatCreatedData,
  ChatId,
  ChatMessage,
  ChatTurnEndedData,
  ChatTurnStartedData,
  SessionEvent,
  SessionId,
  Timestamp,
  TokenUsage,
} from '../../protocol/types.gen.ts';
import { type ChatHistory, emptyHistory, withTurn } from './chat-history.ts';

/** A question that is not answered yet. */
type OpenTurn = Readonly<Pick<ChatTurnStartedData, 'turn_id' | 'content'> & { at: Timestamp }>;

/** One chat between two events; never changed in place. */
export interface ChatRecord extends Readonly<ChatCreatedData>, ChatHistory {
  readonly created_at: Timestamp;
  readonly open: OpenTurn | undefined;
  /** Completed ones, ever. */
  readonly turns: number;
  /** Of completed turns, as far as the model told it. */
  readonly usage?: TokenUsage;
}

export interface Chats {
  readonly active: ChatId | undefined;
  /** In the order of their creation. */
  readonly all: readonly ChatRecord[];
}

export const noChats: Chats = { active: undefined, all: [] };

export function findChat(chats: Chats, chatId: ChatId): ChatRecord | undefined {
  return chats.all.find((one) => one.chat_id === chatId);
}

/** @throws BusError CHAT_NOT_FOUND */
export function requireChat(chats: Chats, chatId: ChatId, sessionId: SessionId): ChatRecord {
  const chat = findChat(chats, chatId);
  if (chat) return chat;
  throw noSuchChat(chatId, sessionId);
}

export function noSuchChat(chatId: ChatId, sessionId: SessionId): BusError {
  return new BusError('CHAT_NOT_FOUND', `Session ${sessionId} has no chat ${chatId}; create it first.`);
}

/** As it is on the wire; shares with the record: copy it before handing it out. */
export function chatOf(chats: Chats, record: ChatRecord, sessionId: SessionId): Chat {
  const { chat_id, name, partner, history_limit, history_byte_limit, created_at, open, turns, usage } = record;
  return {
    chat_id,
    session_id: sessionId,
    name,
    partner,
    state: open ? 'answering' : 'idle',
    active: chats.active === chat_id,
    turns,
    ...(usage && { usage }),
    history_limit,
    history_byte_limit,
    created_at,
  };
}

/** The chats after one more event; events of other things leave them as they are. */
export function evolveChats(chats: Chats, event: SessionEvent): Chats {
  switch (event.type) {
    case 'chat_created': {
      const chat = { ...event.data, ...emptyHistory, created_at: event.at, open: undefined, turns: 0 };
      return { active: chats.active ?? chat.chat_id, all: [...chats.all, chat] };
    }
    case 'chat_switched':
      return { ...chats, active: event.data.chat_id };
    case 'chat_deleted': {
      const { chat_id } = event.data;
      return {
        active: chats.active === chat_id ? undefined : chats.active,
        all: chats.all.filter((one) => one.chat_id !== chat_id),
      };
    }
    case 'chat_turn_started': {
      const { chat_id, turn_id, content } = event.data;
      return change(chats, chat_id, (chat) => ({ ...chat, open: { turn_id, content, at: event.at } }));
    }
    case 'chat_turn_ended':
      return change(chats, event.data.chat_id, (chat) => withEndedTurn(chat, event.data, event.at));
    case 'chat_history_cleared':
      return change(chats, event.data.chat_id, (chat) => ({ ...chat, ...emptyHistory }));
    default:
      return chats;
  }
}

function change(chats: Chats, chatId: ChatId, to: (chat: ChatRecord) => ChatRecord): Chats {
  return { ...chats, all: chats.all.map((one) => (one.chat_id === chatId ? to(one) : one)) };
}

/** Question and reply are remembered together or not at all, so that roles take turns whatever fails. */
function withEndedTurn(chat: ChatRecord, ended: ChatTurnEndedData, at: Timestamp): ChatRecord {
  const { turn_id, status, content, usage } = ended;
  const { open } = chat;
  if (open?.turn_id !== turn_id) return chat;
  if (status !== 'completed' || content === undefined) return { ...chat, open: undefined };
  const question: ChatMessage = { role: 'user', content: open.content, at: open.at, turn_id };
  const reply: ChatMessage = { role: 'assistant', content, at, turn_id };
  return {
    ...chat,
    ...withTurn(chat, [question, reply], chat),
    ...(usage && { usage: sumOf(chat.usage, usage) }),
    open: undefined,
    turns: chat.turns + 1,
  };
}

function sumOf(before: TokenUsage = {}, more: TokenUsage): TokenUsage {
  const sum = { ...before };
  for (const key of ['input_tokens', 'output_tokens'] as const) {
    const tokens = more[key];
    if (tokens !== undefined) sum[key] = (sum[key] ?? 0) + tokens;
  }
  return sum;
}
