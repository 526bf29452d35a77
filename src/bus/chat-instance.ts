// One chat, as programs hold it.
import type { Chat, ChatId, ChatMessage, SessionId } from '../protocol/types.gen.ts';
import { type Turn, wholeOf } from './chat-turns.ts';

export interface SayOptions {
  /** Most milliseconds until the reply; the default of the bus where left out. */
  timeoutMs?: number | undefined;
  /** Ends the turn with CHAT_ABORTED. */
  signal?: AbortSignal | undefined;
}

/** What an instance passes its calls on to. @throws BusError CHAT_NOT_FOUND in each, once the chat is deleted */
export interface ChatAccess {
  describe(sessionId: SessionId, chatId: ChatId): Chat;
  say(sessionId: SessionId, chatId: ChatId, content: string, options: SayOptions): Turn;
  history(sessionId: SessionId, chatId: ChatId): ChatMessage[];
  clear(sessionId: SessionId, chatId: ChatId): void;
}

export class ChatInstance {
  readonly id: ChatId;
  readonly sessionId: SessionId;
  readonly #access: ChatAccess;

  constructor(access: ChatAccess, sessionId: SessionId, chatId: ChatId) {
    this.#access = access;
    this.sessionId = sessionId;
    this.id = chatId;
  }

  get name(): string {
    return this.describe().name;
  }

  /** A copy, as it is on the wire. */
  describe(): Chat {
    return this.#access.describe(this.sessionId, this.id);
  }

  /**
   * The text of the reply, once question and reply are durable. Messages of one chat are answered one at a time, in order.
   * @throws BusError as `stream`
   */
  async sendMessage(content: string, options: SayOptions = {}): Promise<string> {
    return (await wholeOf(this.stream(content, options))).content;
  }

  /**
   * The reply in parts, as they come; who stops reading ends the turn. What the generator returns is the whole reply.
   * @throws BusError VALIDATION_FAILED, CHAT_NOT_FOUND, CHAT_BUSY, CHAT_ABORTED, CHAT_TIMEOUT, SESSION_ENDED, STORE_FAILED,
   *   SHUTTING_DOWN; PROVIDER_... of a model; NOT_A_PARTICIPANT, BUDGET_EXHAUSTED, CHAT_AGENT_FAILED and
   *   what sending throws of an agent
   */
  stream(content: string, options: SayOptions = {}): Turn {
    return this.#access.say(this.sessionId, this.id, content, options);
  }

  /** Questions and replies of completed turns, oldest first, as many as are remembered. */
  getHistory(): ChatMessage[] {
    return this.#access.history(this.sessionId, this.id);
  }

  clearHistory(): void {
    this.#access.clear(this.sessionId, this.id);
  }
}
