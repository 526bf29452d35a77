// What a session manager is made with.
import type { ChatModels } from '../ports/chat-models.ts';
import type { Clock } from '../ports/clock.ts';
import type { SessionLog } from '../ports/session-log.ts';
import type { NewId } from '../protocol/ids.ts';
import type { MessageId } from '../protocol/types.gen.ts';
import type { CommandDefaults } from './session-commands.ts';
import type { SessionLimit } from './session-limit.ts';
import type { SessionLifetimes } from './session-timers.ts';

/** What is left out has the default that it names. */
export interface ChatOptions {
  /** Where chats get their models from; there are none where left out. */
  chatModels?: ChatModels | undefined;
  /** Most chats of a session; any number where left out or 0. */
  maxChatsPerSession?: number | undefined;
  /** Most messages of a chat that are remembered, 200 where left out. */
  chatHistoryLimit?: number | undefined;
  /** Most bytes of them, 1 MiB where left out. */
  chatHistoryBytes?: number | undefined;
  /** Milliseconds until a turn without a reply is over, five minutes where left out. */
  chatTimeoutMs?: number | undefined;
}

export interface SessionManagerOptions
  extends SessionLifetimes,
    ChatOptions,
    Omit<CommandDefaults, 'maxParticipants' | 'workspaceId' | 'newId'> {
  newId: NewId;
  log: SessionLog;
  clock: Clock;
  /** The workspace that all of its sessions belong to; `default` where left out. */
  workspaceId?: string;
  /** Shared by all managers that are counted together; no limit where left out. */
  sessionLimit?: SessionLimit;
  /** Most active participants of a session, 256 where left out. */
  maxParticipants?: number;
  /** Whether delivery may still hand a message on to a fallback; never where left out. */
  mayGoOn?: (messageId: MessageId) => Promise<boolean>;
}
