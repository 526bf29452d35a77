import { describe, expect, it } from 'vitest';
import type { SessionManager } from '../../src/bus/session-manager.ts';
import type { ChatModels } from '../../src/ports/chat-models.ts';
import type { ModelProvider } from '../../src/ports/model-provider.ts';
import { BusError } from '../../src/protocol/errors.ts';
import { fakeProvider } from '../support/fake-provider.ts';
import { MemorySessionLog } from '../support/memory-session-log.ts';
import { open, refused } from './session-setup.ts';

/** Takes every agent that brings its provider; knows some by name. */
function models(...known: ModelProvider[]): ChatModels {
  return {
    async choose({ agentConfig }) {
      if (!agentConfig) throw new BusError('TEMPLATE_NOT_FOUND', 'No templates.');
      const { aiProviders = [], ...settings } = agentConfig;
      const [provider] = aiProviders;
      return { settings, ...(provider && { provider }) };
    },
    async provider(name) {
      const found = known.find((one) => one.name === name);
      if (!found) throw new BusError('UNKNOWN_PROVIDER', `No ${name}.`);
      return found;
    },
  };
}

const settings = (systemMessage: string) => ({
  name: 'Coding Assistant',
  defaultModel: { provider: 'openai', model: 'gpt-4', temperature: 0.1, systemMessage },
});

async function setUp(options: Parameters<typeof open>[0] = {}) {
  const provider = fakeProvider();
  const { sessions, log } = await open({ chatModels: models(), ...options });
  const sessionId = sessions.createSession({ name: 'Development' });
  const createChat = (chatId?: string) =>
    sessions.createChat(sessionId, { chatId, agentConfig: { ...settings('Be brief.'), aiProviders: [provider] } });
  return { sessions, sessionId, createChat, requests: provider.requests, log };
}

function chat(sessions: SessionManager, chatId: string) {
  const found = sessions.getChat(chatId);
  if (!found) throw new Error(`no chat ${chatId}`);
  return found;
}

describe('a chat with a model', () => {
  it('sends system message, temperature, model and the history before each question', async () => {
    const { sessions, createChat, requests } = await setUp();
    const one = chat(sessions, await createChat());
    expect(await one.sendMessage('Hello!')).toBe('2 messages');
    expect(await one.sendMessage('And now?')).toBe('4 messages');
    expect(requests.at(-1)).toEqual({
      model: 'gpt-4',
      temperature: 0.1,
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hello!' },
        { role: 'assistant', content: '2 messages' },
        { role: 'user', content: 'And now?' },
      ],
    });
    expect(one.getHistory().map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant']);
    one.clearHistory();
    expect(one.getHistory()).toEqual([]);
    expect(await one.sendMessage('Who am I?')).toBe('2 messages');
  });

  it('has the name of its agent unless it is given one', async () => {
    const { sessions, sessionId, createChat } = await setUp();
    expect(chat(sessions, await createChat()).name).toBe('Coding Assistant');
    const named = await sessions.createChat(sessionId, { name: 'Coder', agentConfig: settings('Be kind.') });
    expect(chat(sessions, named).describe()).toMatchObject({ name: 'Coder', state: 'idle', active: false, turns: 0 });
  });

  it('is handed out as a copy', async () => {
    const { sessions, createChat, requests } = await setUp();
    const one = chat(sessions, await createChat());
    const { partner, ...rest } = one.describe();
    const agent = partner.kind === 'model' ? partner.agent : expect.unreachable();
    agent.defaultModel.systemMessage = 'Tell all.';
    agent.defaultModel.model = 'another';
    await one.sendMessage('Hello!');
    expect(requests).toMatchObject([{ model: 'gpt-4', messages: [{ content: 'Be brief.' }, { content: 'Hello!' }] }]);
    expect(one.describe()).toMatchObject({ ...rest, turns: 1, partner: { agent: settings('Be brief.') } });
  });

  it('is one of agentConfig, template and agent', async () => {
    const { sessions, sessionId } = await setUp();
    await expect(sessions.createChat(sessionId, {})).rejects.toEqual(refused('VALIDATION_FAILED'));
    const both = { agentId: 'codex://a', template: 'coder' };
    await expect(sessions.createChat(sessionId, both)).rejects.toEqual(refused('VALIDATION_FAILED'));
    await expect(sessions.createChat(sessionId, { template: 'x' })).rejects.toEqual(refused('TEMPLATE_NOT_FOUND'));
  });

  it.each([[''], ['x'.repeat(500_001)], [undefined], [7]])('is told nothing but texts (%#)', async (content) => {
    const { sessions, createChat, log, sessionId } = await setUp();
    const one = chat(sessions, await createChat());
    await expect(one.sendMessage(content as string)).rejects.toEqual(refused('VALIDATION_FAILED'));
    await expect(one.sendMessage('Hello!', { timeoutMs: 0 })).rejects.toEqual(refused('VALIDATION_FAILED'));
    expect(log.events(sessionId).at(-1)?.type).toBe('chat_created');
  });
});

describe('a chat with an agent', () => {
  it('is refused where there is no bus', async () => {
    const { sessions, sessionId } = await setUp();
    const asked = sessions.createChat(sessionId, { agentId: 'codex://reviewer' });
    await expect(asked).rejects.toThrow(/in memory only.*CommunicationBus/);
    await expect(asked).rejects.toEqual(refused('AGENT_NOT_FOUND'));
  });

  it('is refused where its name is none', async () => {
    const { sessions, sessionId } = await setUp();
    sessions.chatWithAgents({
      assertAskable: () => undefined,
      ask: () => Promise.reject(new Error('is never asked')),
    });
    await expect(sessions.createChat(sessionId, { agentId: 'reviewer' })).rejects.toEqual(refused('VALIDATION_FAILED'));
    expect(sessions.getSession(sessionId)?.participants).toEqual([]);
  });
});

describe('the chats of a session', () => {
  it('are listed in order, the first is active, and switching moves that', async () => {
    const { sessions, sessionId, createChat } = await setUp();
    const [first, second] = [await createChat('one'), await createChat('two')];
    expect(sessions.getSessionChats(sessionId).map(({ id }) => id)).toEqual([first, second]);
    expect(sessions.getActiveChat(sessionId).id).toBe('one');
    sessions.switchChat(sessionId, 'two');
    expect(sessions.getActiveChat(sessionId).id).toBe('two');
    sessions.deleteChat('two');
    expect(() => sessions.getActiveChat(sessionId)).toThrow(refused('NO_ACTIVE_CHAT'));
    expect(sessions.getChat('two')).toBeUndefined();
  });

  it('of another session cannot be switched to, and their ids are taken', async () => {
    const { sessions, createChat } = await setUp();
    await createChat('one');
    const other = sessions.createSession({ name: 'Other' });
    expect(() => sessions.switchChat(other, 'one')).toThrow(refused('CHAT_NOT_FOUND'));
    const taken = { chatId: 'one', agentConfig: settings('Be kind.') };
    await expect(sessions.createChat(other, taken)).rejects.toEqual(refused('CHAT_EXISTS'));
  });

  it('are as many as may be, however many ask at once', async () => {
    const { createChat } = await setUp({ maxChatsPerSession: 5 });
    const all = await Promise.allSettled(Array.from({ length: 50 }, () => createChat()));
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    const reasons = all.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    expect(reasons).toEqual(Array.from({ length: 45 }, () => refused('CHAT_LIMIT')));
  });

  it('are refused in a session that is not there or is over', async () => {
    const { sessions, sessionId, createChat } = await setUp();
    const config = { agentConfig: settings('Be kind.') };
    await expect(sessions.createChat('nowhere', config)).rejects.toEqual(refused('SESSION_NOT_FOUND'));
    const before = chat(sessions, await createChat());
    sessions.completeSession(sessionId);
    await expect(createChat()).rejects.toEqual(refused('SESSION_ENDED'));
    await expect(before.sendMessage('Still there?')).rejects.toEqual(refused('SESSION_ENDED'));
  });

  it('go with their session', async () => {
    const { sessions, sessionId, createChat } = await setUp();
    const before = chat(sessions, await createChat('one'));
    sessions.deleteSession(sessionId);
    expect(sessions.getChat('one')).toBeUndefined();
    expect(() => before.getHistory()).toThrow(refused('SESSION_NOT_FOUND'));
  });
});

describe('after a restart', () => {
  it('chats, their history and the active one are back, and models are found by name', async () => {
    const log = new MemorySessionLog();
    const { sessions, sessionId, createChat } = await setUp({ log });
    await createChat('one');
    await createChat('two');
    sessions.switchChat(sessionId, 'two');
    await chat(sessions, 'two').sendMessage('Hello!');
    await sessions.close();
    const provider = fakeProvider();
    const again = await open({ log, chatModels: models(provider) });
    expect(again.sessions.getActiveChat(sessionId).id).toBe('two');
    expect(await chat(again.sessions, 'two').sendMessage('And now?')).toBe('4 messages');
    expect(provider.requests).toHaveLength(1);
  });

  it('a chat whose provider is gone says so, and loses nothing', async () => {
    const log = new MemorySessionLog();
    const { sessions, createChat } = await setUp({ log });
    await chat(sessions, await createChat('one')).sendMessage('Hello!');
    await sessions.close();
    const again = await open({ log, chatModels: models() });
    const one = chat(again.sessions, 'one');
    await expect(one.sendMessage('And now?')).rejects.toEqual(refused('UNKNOWN_PROVIDER'));
    expect(one.getHistory()).toHaveLength(2);
  });
});
