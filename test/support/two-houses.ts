// A workspace full of everything there is, keys of those who live in it, and keys of those who do not.
import { expect, onTestFinished, vi } from 'vitest';
import type { Bus } from '../../src/bus/bus.ts';
import { operator, type Principal } from '../../src/bus/identity.ts';
import type { ChatModels } from '../../src/ports/chat-models.ts';
import type { ModelProvider } from '../../src/ports/model-provider.ts';
import { type NewId, newId } from '../../src/protocol/ids.ts';
import { type Http, type OpenHttp, openHttp } from '../http/start-http.ts';
import { openTestBus } from '../http/test-bus.ts';

export const home = 'team-a';
export const abroad = 'team-b';
export const owner = 'user-a';
const stranger = 'user-b';

/** Everything of the home that nobody else may read has this word in it. */
export const canary = 'canary';

/** What a request can name of the home. */
export interface Names {
  key: string;
  agent: string;
  session: string;
  chat: string;
  task: string;
  queued: string;
  offered: string;
  dead: string;
}

export const names: Names = {
  key: 'key_home',
  agent: 'opencode://backend',
  session: 'sess_home',
  chat: 'chat_home',
  task: 'task_home',
  queued: 'm_queued',
  offered: 'm_offered',
  dead: 'm_dead',
};

/** Of the same form, and nowhere. */
export const missing: Names = {
  key: 'key_none',
  agent: 'opencode://nowhere',
  session: 'sess_none',
  chat: 'chat_none',
  task: 'task_none',
  queued: 'm_none_1',
  offered: 'm_none_2',
  dead: 'm_none_3',
};

export const lead = 'claude-code://lead';
export const other = 'codex://other';

export const principals: Readonly<Record<string, Principal>> = {
  'key-of-home': { id: 'home', workspaceId: home },
  'key-of-abroad': { id: 'abroad', workspaceId: abroad },
  'key-of-owner': { id: 'owner', workspaceId: home, userId: owner },
  'key-of-stranger': { id: 'stranger', workspaceId: home, userId: stranger },
  'key-of-strange-agent': { id: 'strange agent', workspaceId: home, userId: stranger, agentId: other },
};

export const steps = [
  { name: `${canary} one`, required_agents: [lead] },
  { name: `${canary} two`, required_agents: [names.agent] },
];

export function openBus(): Promise<Bus> {
  const nextId: NewId = (prefix) => (prefix === 'key' && keys++ === 0 ? names.key : newId(prefix));
  let keys = 0;
  return openTestBus([], { newId: nextId, authenticators: [(key) => principals[key]], chatModels });
}

/** What chats with models are with there, and the model that answers in all of them. */
export const settings = { name: canary, defaultModel: { provider: 'echo', model: 'echo-1', systemMessage: canary } };

const echo: ModelProvider = {
  name: 'echo',
  generate: () => Promise.reject(new Error('chats stream')),
  async *stream({ messages }) {
    const text = `echo: ${messages.at(-1)?.content}`;
    yield { type: 'text', text };
    yield { type: 'result', result: { text, finishReason: 'stop' } };
  },
};

const chatModels: ChatModels = { choose: async () => ({ settings }), provider: async () => echo };

/** The home furnished, behind its HTTP door. */
export async function startFurnished(): Promise<Http> {
  const http = await openFurnished();
  onTestFinished(() => http.close());
  return http;
}

/** The same, to be closed by hand. */
export async function openFurnished(): Promise<OpenHttp> {
  const bus = await openBus();
  await furnish(bus);
  const http = await openHttp({ bus });
  // A deed over HTTP, for the audit log.
  const deed = await http.call('POST', `/agents/${lead}/token`, { key: 'key-of-home' });
  expect(deed.status, deed.text).toBeLessThan(300);
  return {
    ...http,
    async close() {
      await http.close();
      await bus.close();
    },
  };
}

/** A key, two agents and a session of the owner, mail that is queued, offered and dead, a broadcast, tasks; an agent of the stranger. */
export async function furnish(bus: Bus): Promise<void> {
  const { agents, messages, sessions } = bus.workspace(home);
  await bus.keys.create(operator, { workspace_id: home, user_id: owner, name: canary });
  for (const agent_id of [lead, names.agent, other]) {
    const user_id = agent_id === other ? stranger : owner;
    await agents.register({ agent_descriptor: { agent_id, capabilities: ['work'] }, user_id });
  }
  sessions.createSession({
    sessionId: names.session,
    name: canary,
    userId: owner,
    orchestrator: lead,
    participants: [{ agent_id: names.agent, role: canary }],
    workflow: steps,
    sharedContext: { secret: canary },
  });
  await sessions.settled(names.session);
  const principal = { id: 'home', workspaceId: home };
  const send = (message_id: string, message_type: 'task_request' | 'status_update', more: object = {}) =>
    messages.send({
      principal,
      envelope: {
        message_id,
        message_type,
        sender: { agent_id: lead, session_id: names.session },
        recipient: { agent_id: names.agent },
        payload: { secret: canary },
        ...more,
      },
    });
  const take = () => messages.pull(names.agent, { max: 1, waitMs: 0, leaseMs: 600_000 }, new AbortController().signal);
  await send(names.dead, 'status_update');
  await take();
  await messages.nack(names.agent, names.dead, { giveUp: true, reason: canary });
  await vi.waitFor(async () => expect((await messages.deadLetters({})).items).toHaveLength(1), 5_000);
  await send(names.offered, 'task_request', { metadata: { task_id: names.task } });
  await take();
  await send(names.queued, 'status_update');
  await send('m_all', 'status_update', { recipient: { session_id: names.session } });
  await sessions.createChat(names.session, { chatId: names.chat, name: canary, agentConfig: settings });
  await sessions.getActiveChat(names.session).sendMessage(canary);
}

/** All that there is in the home, but for what strangers made there for themselves. */
export async function inventory(bus: Bus): Promise<unknown> {
  const { agents, messages, sessions } = bus.workspace(home);
  const { items } = sessions.listSessions({ user_id: owner });
  return {
    keys: bus.keys.list(principals['key-of-owner'] ?? operator, {}).items,
    agents: agents.list({ limit: 1_000 }, owner),
    sessions: items,
    histories: await Promise.all(items.map(({ session_id: id }) => sessions.readEvents(id, 0, 1_000))),
    chats: items.map(({ session_id: id }) =>
      sessions.getSessionChats(id).map((chat) => ({ ...chat.describe(), history: chat.getHistory() })),
    ),
    tasks: items.map(({ session_id: id }) => sessions.listTasks(id)),
    mail: await Promise.all(items.map(({ session_id: id }) => messages.ofSession(id, {}))),
    dead: await messages.deadLetters({}),
  };
}
