// Sessions told as commands: given what happened, when a command comes, then these events follow.
import { expect } from 'vitest';
import type {
  CreateChatCommand,
  CreateSessionCommand,
  EndChatTurnCommand,
  SessionCommand,
  SessionMessage,
} from '../../../src/core/session/commands.ts';
import { type Decision, execute } from '../../../src/core/session/decide.ts';
import type { SessionAggregate } from '../../../src/core/session/state.ts';
import { findTask } from '../../../src/core/session/task-index.ts';
import { timestampOf } from '../../../src/core/session/timestamp.ts';
import type { Task } from '../../../src/protocol/types.gen.ts';

export const lead = 'claude-code://orchestrator';
export const backend = 'opencode://backend';
export const frontend = 'codex://frontend';
export const qa = 'claude-code://qa';
export const stranger = 'custom://stranger';

const start = Date.UTC(2025, 1, 2, 11);
/** So many seconds into the story. */
export const at = (seconds: number): string => timestampOf(start + seconds * 1000);

type Ask<C extends SessionCommand = SessionCommand> = C extends SessionCommand
  ? Omit<C, 'session_id' | 'at'> & { at?: string }
  : never;

/** A command to the session of the story, at its beginning unless it says when. */
export function ask(command: Ask): SessionCommand {
  return { session_id: 'sess_1', at: at(0), ...command };
}

/** The session of the tutorial. */
export function tutorial(changes: Partial<CreateSessionCommand> = {}): SessionCommand {
  return ask({
    type: 'create_session',
    name: 'sess_1',
    user_id: null,
    workspace_id: 'default',
    orchestrator: lead,
    participants: [
      { agent_id: backend, role: 'implementer' },
      { agent_id: frontend, role: 'implementer' },
      { agent_id: qa, role: 'reviewer' },
    ],
    steps: [
      { name: 'design', required_agents: [lead] },
      { name: 'implementation', required_agents: [backend, frontend] },
      { name: 'review', required_agents: [qa] },
    ],
    shared_context: { project: 'feature/notifications' },
    auto_advance: true,
    max_participants: 256,
    ...changes,
  });
}

type Said = Partial<SessionMessage> & { at?: string; deadline?: string };

/** A message of the session; ids of tasks follow the message's. */
export function says(id: string, type: SessionMessage['message_type'], from: string, to: string, said: Said = {}) {
  const { at: when = at(1), deadline = at(300), ...rest } = said;
  const message = { message_id: id, message_type: type, sender: from, recipient: to, priority: 'medium' as const };
  return ask({
    type: 'record_message',
    at: when,
    message: { ...message, payload: {}, ...rest },
    ...(type === 'task_request' ? { task: { task_id: rest.metadata?.task_id ?? `task_${id}`, deadline } } : {}),
  });
}

export const asks = (id: string, to: string, said: Said = {}) => says(id, 'task_request', lead, to, said);
export const answers = (id: string, from: string, said: Said = {}) => says(id, 'task_response', from, lead, said);

/** A chat with the agent of the backend. */
export function createsChat(chatId: string, changes: Partial<CreateChatCommand> = {}) {
  const partner = { kind: 'agent' as const, agent_id: backend };
  const limits = { history_limit: 200, history_byte_limit: 1_048_576, max_chats: 0, max_participants: 256 };
  return ask({ type: 'create_chat', chat_id: chatId, name: chatId, partner, ...limits, ...changes });
}

export const startsTurn = (chat_id: string, turn_id: string, content = 'Hello!', when = at(1)) =>
  ask({ type: 'start_chat_turn', chat_id, turn_id, content, at: when });

export const endsTurn = (chat_id: string, turn_id: string, outcome: EndChatTurnCommand['outcome'], when = at(2)) =>
  ask({ type: 'end_chat_turn', chat_id, turn_id, outcome, at: when });

export function given(...commands: SessionCommand[]): SessionAggregate {
  let state: SessionAggregate | undefined;
  for (const command of commands) state = execute(state, command).state;
  if (!state) throw new Error('a story begins with its session');
  return state;
}

/** What a command does to the session, and its events without their headers. */
export function when(state: SessionAggregate, command: SessionCommand) {
  const decision: Decision = execute(state, command);
  if (!decision.state) throw new Error('the session is gone');
  return {
    state: decision.state,
    types: decision.events.map((event) => event.type),
    events: decision.events.map(({ type, data }) => ({ type, data })),
  };
}

export function task(state: SessionAggregate, id: string): Task {
  const found = findTask(state.tasks, id);
  if (!found) throw new Error(`no task ${id}`);
  return found;
}

export const refused = (code: string) => expect.objectContaining({ name: 'BusError', code });
