// Ids that the bus makes, and what an agent id says about itself.
import { monotonicFactory } from 'ulid';

const nextUlid = monotonicFactory();

type IdPrefix = 'msg' | 'sess' | 'task' | 'conn' | 'chat' | 'turn' | 'req' | 'key';

/** Makes ids that nobody else makes. */
export type NewId = (prefix: IdPrefix) => string;

/** `prefix_` + ULID; ids made by one process sort in the order they were made. */
export function newId(prefix: IdPrefix): string {
  return `${prefix}_${nextUlid()}`;
}

/** The scheme of an agent id is its framework: `claude-code://qa` is `claude-code`. */
export function frameworkOf(agentId: string): string {
  return agentId.slice(0, agentId.indexOf('://'));
}

/** The sender of everything that the bus itself says. */
export const busAgentId = 'bus://agent-bus';

const chatScheme = 'chat://';

/** Under this id a chat asks an agent of the bus. */
export function chatAgentId(chatId: string): string {
  return chatScheme + chatId;
}

export function isChatAgent(agentId: string): boolean {
  return agentId.startsWith(chatScheme);
}
