// What a chat remembers: its last turns, whole ones, as many as there is room for.
import type { ChatMessage } from '../../protocol/types.gen.ts';

export interface ChatHistory {
  /** Question and reply of completed turns, oldest first: roles take turns. */
  readonly history: readonly ChatMessage[];
  /** Of their contents, in UTF-8. */
  readonly historyBytes: number;
}

export interface HistoryLimits {
  /** Most messages. */
  readonly history_limit: number;
  /** Most bytes of contents, in UTF-8. */
  readonly history_byte_limit: number;
}

export const emptyHistory: ChatHistory = { history: [], historyBytes: 0 };

const encoder = new TextEncoder();

/** Oldest turns leave first, until the rest fits; a turn that is too large by itself leaves with them. */
export function withTurn(
  { history, historyBytes }: ChatHistory,
  turn: readonly [question: ChatMessage, reply: ChatMessage],
  { history_limit, history_byte_limit }: HistoryLimits,
): ChatHistory {
  const messages = [...history, ...turn];
  let bytes = historyBytes + sizeOf(turn);
  let gone = 0;
  while (messages.length - gone > history_limit || bytes > history_byte_limit) {
    const oldest = messages.slice(gone, gone + turn.length);
    if (oldest.length === 0) break;
    bytes -= sizeOf(oldest);
    gone += turn.length;
  }
  return { history: messages.slice(gone), historyBytes: bytes };
}

function sizeOf(messages: readonly ChatMessage[]): number {
  return messages.reduce((sum, { content }) => sum + encoder.encode(content).length, 0);
}
