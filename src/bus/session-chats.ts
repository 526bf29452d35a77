// Chats as part of the session manager.
import type { ChatModels } from '../ports/chat-models.ts';
import { BusError } from '../protocol/errors.ts';
import type { ChatId, SessionEvent, SessionId } from '../protocol/types.gen.ts';
import type { AskableAgents } from './agent-answers.ts';
import type { ChatInstance } from './chat-instance.ts';
import { ChatPartners } from './chat-partners.ts';
import { Chats, type NewChat } from './chats.ts';
import type { SessionManagerOptions } from './session-options.ts';
import { SessionTraffic } from './session-traffic.ts';

/** Chats with agents of the bus need none. */
const noModels: ChatModels = {
  choose: () => Promise.reject(new BusError('UNKNOWN_PROVIDER', 'These sessions have no models to chat with.')),
  provider: () => Promise.reject(new BusError('UNKNOWN_PROVIDER', 'These sessions have no models to chat with.')),
};

export abstract class SessionChats extends SessionTraffic {
  protected readonly chats: Chats;
  readonly #partners: ChatPartners;

  constructor(options: SessionManagerOptions) {
    super(options);
    const { clock, newId, chatModels = noModels } = options;
    const { maxChatsPerSession = 0, chatHistoryLimit = 200, chatHistoryBytes = 1_048_576 } = options;
    const { chatTimeoutMs = 300_000 } = options;
    const partners = new ChatPartners(chatModels);
    const { maxParticipants } = this.options;
    const limits = { maxChatsPerSession, chatHistoryLimit, chatHistoryBytes, chatTimeoutMs, maxParticipants };
    this.#partners = partners;
    this.chats = new Chats({ sessions: this.sessions, clock, newId, partners, limits });
  }

  /** What is being answered in chats is given up, and what is said from now on refused. */
  closeChats(): void {
    this.chats.close();
  }

  /** From now on chats can be with agents of the bus. */
  chatWithAgents(agents: AskableAgents): void {
    this.#partners.chatWithAgents(agents);
  }

  protected override happened(event: SessionEvent): void {
    this.chats.happened(event);
    super.happened(event);
  }

  protected override deleted(sessionId: SessionId): void {
    this.chats.sessionDeleted(sessionId);
    super.deleted(sessionId);
  }

  /**
   * The id of a new chat, which is the session's active one if it is the first; resolves when it is durable.
   * @throws BusError SESSION_NOT_FOUND, SESSION_ENDED, CHAT_EXISTS, CHAT_LIMIT, VALIDATION_FAILED, AGENT_NOT_FOUND, TEMPLATE_NOT_FOUND,
   *   UNKNOWN_PROVIDER, UNKNOWN_MODEL, PROVIDER_KEY_MISSING, FORBIDDEN for an id of the bus itself
   */
  createChat(sessionId: SessionId, chat: NewChat): Promise<ChatId> {
    return this.chats.create(sessionId, chat);
  }

  /** @throws BusError CHAT_NOT_FOUND */
  switchChat(sessionId: SessionId, chatId: ChatId): void {
    this.chats.switch(sessionId, chatId);
  }

  getChat(chatId: ChatId): ChatInstance | undefined {
    return this.chats.find(chatId);
  }

  /** @throws BusError SESSION_NOT_FOUND, NO_ACTIVE_CHAT */
  getActiveChat(sessionId: SessionId): ChatInstance {
    return this.chats.active(sessionId);
  }

  /** In the order of their creation. */
  getSessionChats(sessionId: SessionId): ChatInstance[] {
    return this.chats.list(sessionId);
  }

  /** What is being answered in it is given up. @throws BusError CHAT_NOT_FOUND */
  deleteChat(chatId: ChatId): void {
    this.chats.delete(chatId);
  }
}
