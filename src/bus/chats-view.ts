// Chats of several workspaces, or of one user of them, behind the methods of one session manager.
import { unknownSession } from '../core/session/state.ts';
import type { ChatId, SessionId } from '../protocol/types.gen.ts';
import type { ChatInstance } from './chat-instance.ts';
import { type NewChat, unknownChat } from './chats.ts';
import type { NarratedSummary, NarrateOptions } from './narration.ts';
import { SessionFollower } from './session-follower.ts';
import type { SessionManager } from './session-manager.ts';
import { owns } from './session-scope.ts';

/** As `SessionChats`; a chat of a session outside of the scope is answered like one that never was. */
export abstract class ChatsView extends SessionFollower {
  async createChat(sessionId: SessionId, chat: NewChat): Promise<ChatId> {
    return this.managerOf(sessionId).createChat(sessionId, chat);
  }

  switchChat(sessionId: SessionId, chatId: ChatId): void {
    this.managerOf(sessionId).switchChat(sessionId, chatId);
  }

  /** Where several workspaces have a chat of that id, that of the first of them. */
  getChat(chatId: ChatId): ChatInstance | undefined {
    return this.#keeperOf(chatId)?.getChat(chatId);
  }

  getActiveChat(sessionId: SessionId): ChatInstance {
    return this.managerOf(sessionId).getActiveChat(sessionId);
  }

  getSessionChats(sessionId: SessionId): ChatInstance[] {
    return this.managerOf(sessionId).getSessionChats(sessionId);
  }

  async narrateSummary(sessionId: SessionId, chatId: ChatId, options: NarrateOptions = {}): Promise<NarratedSummary> {
    return this.managerOf(sessionId).narrateSummary(sessionId, chatId, options);
  }

  deleteChat(chatId: ChatId): void {
    const keeper = this.#keeperOf(chatId);
    if (!keeper) throw unknownChat(chatId);
    keeper.deleteChat(chatId);
  }

  #keeperOf(chatId: ChatId): SessionManager | undefined {
    for (const manager of this.scope.managers()) {
      const chat = manager.getChat(chatId);
      if (chat && owns(this.scope, manager, chat.sessionId)) return manager;
    }
    return undefined;
  }

  /** @throws BusError SESSION_NOT_FOUND */
  protected managerOf(sessionId: SessionId): SessionManager {
    const manager = this.find(sessionId);
    if (manager) return manager;
    throw unknownSession(sessionId);
  }

  protected find(sessionId: SessionId): SessionManager | undefined {
    for (const manager of this.scope.managers()) if (owns(this.scope, manager, sessionId)) return manager;
    return undefined;
  }
}
