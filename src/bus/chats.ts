// All chats of a workspace: made, found, switched, deleted.
import { copyJson } from '../core/json/copy.ts';
import { chatOf, requireChat } from '../core/session/chats.ts';
import { checkedName, invalid } from '../core/session/names.ts';
import { assertActive, assertFound } from '../core/session/state.ts';
import { timestampOf } from '../core/session/timestamp.ts';
import type { Clock } from '../ports/clock.ts';
import { BusError } from '../protocol/errors.ts';
import type { NewId } from '../protocol/ids.ts';
import type {
  Chat,
  ChatId,
  ChatMessage,
  ChatPartner,
  SessionEvent,
  SessionId,
  TaskUpdatedData,
} from '../protocol/types.gen.ts';
import { type ChatAccess, ChatInstance, type SayOptions } from './chat-instance.ts';
import type { ChatPartners, PartnerChoice } from './chat-partners.ts';
import { ChatTurns, type Reply, type Turn, type TurnOptions, type TurnSessions, wholeOf } from './chat-turns.ts';
import { text, wholeNumber } from './session-input.ts';

export interface NewChat extends PartnerChoice {
  /** Unique in the workspace; made by the bus where left out. */
  chatId?: ChatId | undefined;
  /** That of whom it is with where left out. */
  name?: string | undefined;
}

interface ChatLimits {
  /** Most chats of a session; 0: any number. */
  maxChatsPerSession: number;
  /** Most messages of a chat that are remembered. */
  chatHistoryLimit: number;
  /** Most bytes of them. */
  chatHistoryBytes: number;
  /** Milliseconds until a turn without a reply is over. */
  chatTimeoutMs: number;
  /** Most active participants of a session. */
  maxParticipants: number;
}

export interface ChatsDeps {
  sessions: TurnSessions;
  clock: Clock;
  newId: NewId;
  partners: ChatPartners;
  limits: ChatLimits;
}

/** Stands in addresses for the active chat of a session. */
export const activeChat = 'active';

const longestName = 128;
const longestContent = 500_000;

export class Chats implements ChatAccess {
  readonly #deps: ChatsDeps;
  readonly #turns: ChatTurns;
  readonly #sessionOf = new Map<ChatId, SessionId>();

  constructor(deps: ChatsDeps) {
    this.#deps = deps;
    const { sessions, clock, newId, partners } = deps;
    this.#turns = new ChatTurns({
      sessions,
      clock,
      newTurnId: () => newId('turn'),
      answer: (question) => partners.answer(question),
    });
  }

  /** When all sessions are back; turns that an earlier run left open are over. */
  load(): void {
    for (const { session, chats } of this.#deps.sessions.all()) {
      for (const { chat_id } of chats.all) this.#sessionOf.set(chat_id, session.session_id);
    }
    this.#turns.interruptOpen();
  }

  /** Resolves when the chat is durable. @throws BusError as `ChatPartners.choose`; SESSION_NOT_FOUND, SESSION_ENDED, CHAT_EXISTS, CHAT_LIMIT */
  async create(sessionId: SessionId, chat: NewChat): Promise<ChatId> {
    const { sessions, newId, partners, limits } = this.#deps;
    assertActive(sessions.find(sessionId), sessionId);
    const { partner, provider } = await partners.choose(sessionId, chat);
    const chatId = chat.chatId === undefined ? newId('chat') : checkedName('ChatId', 'chatId', chat.chatId);
    if (chatId === activeChat)
      throw invalid('chatId', `must not be ${activeChat}, which is the active chat of a session`);
    const name = chat.name === undefined ? nameOf(partner) : checkedName('Name', 'name', chat.name);
    if (this.#sessionOf.has(chatId)) {
      throw new BusError('CHAT_EXISTS', `There is a chat ${chatId} already; choose another id.`);
    }
    sessions.run({
      type: 'create_chat',
      ...this.#about(sessionId),
      chat_id: chatId,
      name,
      partner,
      history_limit: limits.chatHistoryLimit,
      history_byte_limit: limits.chatHistoryBytes,
      max_chats: limits.maxChatsPerSession,
      max_participants: limits.maxParticipants,
    });
    if (provider) partners.remember(chatId, provider);
    await sessions.settled(sessionId);
    return chatId;
  }

  /** @throws BusError SESSION_NOT_FOUND, SESSION_ENDED, CHAT_NOT_FOUND */
  switch(sessionId: SessionId, chatId: ChatId): void {
    this.#deps.sessions.run({ type: 'switch_chat', ...this.#about(sessionId), chat_id: chatId });
  }

  find(chatId: ChatId): ChatInstance | undefined {
    const sessionId = this.#sessionOf.get(chatId);
    return sessionId === undefined ? undefined : new ChatInstance(this, sessionId, chatId);
  }

  /** @throws BusError SESSION_NOT_FOUND, NO_ACTIVE_CHAT */
  active(sessionId: SessionId): ChatInstance {
    const { active } = this.#chatsOf(sessionId);
    if (active !== undefined) return new ChatInstance(this, sessionId, active);
    throw new BusError('NO_ACTIVE_CHAT', `Session ${sessionId} has no active chat; switch to one.`);
  }

  /** In the order of their creation. @throws BusError SESSION_NOT_FOUND */
  list(sessionId: SessionId): ChatInstance[] {
    return this.#chatsOf(sessionId).all.map(({ chat_id }) => new ChatInstance(this, sessionId, chat_id));
  }

  /** @throws BusError CHAT_NOT_FOUND, SESSION_ENDED */
  delete(chatId: ChatId): void {
    const sessionId = this.#sessionOf.get(chatId);
    if (sessionId === undefined) throw unknownChat(chatId);
    this.#deps.sessions.run({ type: 'delete_chat', ...this.#about(sessionId), chat_id: chatId });
  }

  describe(sessionId: SessionId, chatId: ChatId): Chat {
    const chats = this.#chatsOf(sessionId);
    return copyJson(chatOf(chats, requireChat(chats, chatId, sessionId), sessionId));
  }

  history(sessionId: SessionId, chatId: ChatId): ChatMessage[] {
    const { history } = requireChat(this.#chatsOf(sessionId), chatId, sessionId);
    return history.map((message) => ({ ...message }));
  }

  clear(sessionId: SessionId, chatId: ChatId): void {
    this.#deps.sessions.run({ type: 'clear_chat_history', ...this.#about(sessionId), chat_id: chatId });
  }

  say(sessionId: SessionId, chatId: ChatId, content: string, options: SayOptions): Turn {
    const checked = text('content', content, longestContent, 1);
    return this.#turns.turn(sessionId, chatId, checked, this.#turnOptions(options));
  }

  /** The reply to something that is no part of the conversation. @throws BusError as `ChatInstance.sendMessage` */
  async aside(sessionId: SessionId, chatId: ChatId, content: string, options: SayOptions): Promise<Reply> {
    return wholeOf(this.#turns.aside(sessionId, chatId, content, this.#turnOptions(options)));
  }

  /** To be told of all that happens in the sessions. */
  happened(event: SessionEvent): void {
    const { session_id: sessionId } = event;
    switch (event.type) {
      case 'chat_created':
        this.#sessionOf.set(event.data.chat_id, sessionId);
        break;
      case 'chat_deleted':
        this.#forget(event.data.chat_id);
        this.#turns.giveUp(new BusError('CHAT_NOT_FOUND', 'The chat was deleted.'), {
          sessionId,
          chatId: event.data.chat_id,
        });
        break;
      case 'task_updated':
        this.#taskUpdated(sessionId, event.data);
        break;
      case 'session_completed':
      case 'session_terminated':
        this.#turns.giveUp(new BusError('SESSION_ENDED', `Session ${sessionId} is over.`), { sessionId });
        break;
    }
  }

  /** A session is gone, and its chats with it. */
  sessionDeleted(sessionId: SessionId): void {
    for (const [chatId, session] of this.#sessionOf) if (session === sessionId) this.#forget(chatId);
    this.#turns.giveUp(new BusError('SESSION_NOT_FOUND', `Session ${sessionId} was deleted.`), { sessionId });
  }

  /** Nobody gets a reply any more. */
  close(): void {
    this.#turns.close();
  }

  /** Where others than the agent that was asked ended the task of a turn, no answer will come. */
  #taskUpdated(sessionId: SessionId, { task_id: turnId, status, message_id }: TaskUpdatedData): void {
    if (status === 'in_progress' || message_id !== undefined) return;
    if (!this.#deps.sessions.find(sessionId)?.chats.all.some(({ open }) => open?.turn_id === turnId)) return;
    // The task has as much time as the turn: its timer may be the first to say so.
    const code = status === 'timeout' ? 'CHAT_TIMEOUT' : 'CHAT_AGENT_FAILED';
    const reason = new BusError(code, `No answer will come: the task of this turn is ${status}.`);
    this.#turns.giveUp(reason, { sessionId, turnId });
  }

  #turnOptions({ timeoutMs = this.#deps.limits.chatTimeoutMs, signal }: SayOptions): TurnOptions {
    if (signal && !isSignal(signal)) throw invalid('signal', 'must be an AbortSignal');
    return { timeoutMs: wholeNumber('timeoutMs', timeoutMs), ...(signal && { signal }) };
  }

  #forget(chatId: ChatId): void {
    this.#sessionOf.delete(chatId);
    this.#deps.partners.forget(chatId);
  }

  #chatsOf(sessionId: SessionId) {
    const state = this.#deps.sessions.find(sessionId);
    assertFound(state, sessionId);
    return state.chats;
  }

  #about(sessionId: SessionId) {
    return { session_id: sessionId, at: timestampOf(this.#deps.clock.now()) };
  }
}

/** Also one of another realm. What is none would be found out in the middle of the turn, and again at its end. */
function isSignal({ aborted, addEventListener, removeEventListener }: Partial<AbortSignal>): boolean {
  return (
    typeof aborted === 'boolean' && typeof addEventListener === 'function' && typeof removeEventListener === 'function'
  );
}

export function unknownChat(chatId: ChatId): BusError {
  return new BusError('CHAT_NOT_FOUND', `There is no chat ${chatId}.`);
}

function nameOf(partner: ChatPartner): string {
  const name = partner.kind === 'model' ? partner.agent.name : partner.agent_id;
  return checkedName('Name', 'agentConfig.name', [...name].slice(0, longestName).join(''));
}
