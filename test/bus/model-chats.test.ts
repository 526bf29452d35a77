// Whole chats with models of a server that misbehaves: each failure is a coded error, recorded, and over with its turn.
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ChatInstance } from '../../src/bus/chat-instance.ts';
import type { SessionEvent } from '../../src/protocol/types.gen.ts';
import { OpenAICompatibleProvider } from '../../src/providers/openai-compatible.ts';
import type { ProviderOptions } from '../../src/providers/provider-options.ts';
import { createProviderRegistry } from '../../src/providers/registry.ts';
import { AgentTemplates } from '../../src/templates/agent-templates.ts';
import { createChatModels } from '../../src/templates/chat-models.ts';
import { canary, everyProvider } from '../providers/every-provider.ts';
import { MemorySessionLog } from '../support/memory-session-log.ts';
import { type Behaviour, type ModelServer, startModelServer } from '../support/model-server.ts';
import { open, refused } from './session-setup.ts';

type Settings = NonNullable<Parameters<typeof createProviderRegistry>[0]['providers']>;

const defaultModel = { model: 'claude-sonnet-4-5', temperature: 0.2, systemMessage: 'Be brief.' };

function chatModels(providers: Settings = {}, env: Record<string, string> = {}) {
  return createChatModels({ templates: new AgentTemplates(), providers: createProviderRegistry({ providers, env }) });
}

const compatible = (options: ProviderOptions & { baseURL: string }) => new OpenAICompatibleProvider(options);

async function setUp(create: (typeof everyProvider)[number][1] = compatible, timeout?: number) {
  const server = await startModelServer();
  const { sessions, log, clock } = await open({ chatModels: chatModels() });
  onTestFinished(() => sessions.close());
  const sessionId = sessions.createSession({ name: 'Development' });
  const provider = create({ baseURL: server.baseURL, ...(timeout !== undefined && { timeout }) });
  const agentConfig = {
    name: 'Coder',
    aiProviders: [provider],
    defaultModel: { ...defaultModel, provider: provider.name },
  };
  const newChat = async () => {
    const id = await sessions.createChat(sessionId, { agentConfig });
    return sessions.getChat(id) ?? expect.unreachable();
  };
  const turns = async (chat: ChatInstance) => {
    await sessions.settled(sessionId);
    return turnsOf(log.events(sessionId), chat.id);
  };
  return { server, sessions, sessionId, clock, log, newChat, chat: await newChat(), turns };
}

/** How each turn of a chat ended. */
function turnsOf(events: readonly SessionEvent[], chatId: string) {
  const ends = events.flatMap(({ type, data }) => (type === 'chat_turn_ended' ? [data] : []));
  const starts = events.flatMap(({ type, data }) => (type === 'chat_turn_started' ? [data] : []));
  expect(starts.map((one) => one.turn_id)).toEqual(ends.map((one) => one.turn_id));
  return ends.filter((one) => one.chat_id === chatId).map(({ status, error }) => ({ status, error }));
}

/** Both ways to ask; each resolves with the text or rejects. */
const ways: [way: string, say: (chat: ChatInstance, content: string) => Promise<string>][] = [
  ['sendMessage', (chat, content) => chat.sendMessage(content)],
  [
    'for await',
    async (chat, content) => {
      let text = '';
      for await (const part of chat.stream(content)) text += part;
      return text;
    },
  ],
];

/** What a model was sent, whichever API it has: `role: text` each, the system message first. */
function sent({ requests }: ModelServer): string[] {
  const { system, messages } = requests.at(-1)?.body ?? {};
  const text = (content: unknown) =>
    Array.isArray(content) ? content.map((part: { text: string }) => part.text).join('') : String(content);
  const said = messages.map(({ role, content }: { role: string; content: unknown }) => `${role}: ${text(content)}`);
  return system === undefined ? said : [`system: ${text(system)}`, ...said];
}

const secretWords = `the key ${canary} of somebody is odd`;

const failures: [what: string, code: string, behaviour: Behaviour, retryAfterMs?: number][] = [
  ['a wrong key', 'PROVIDER_UNAUTHORIZED', { do: 'fail', status: 401, message: secretWords }],
  ['a key without rights', 'PROVIDER_UNAUTHORIZED', { do: 'fail', status: 403, message: secretWords }],
  ['a wrong request', 'PROVIDER_REFUSED', { do: 'fail', status: 400, message: secretWords }],
  [
    'too many requests',
    'PROVIDER_RATE_LIMITED',
    { do: 'fail', status: 429, message: secretWords, headers: { 'retry-after': '7' } },
    7_000,
  ],
  ['a failure', 'PROVIDER_FAILED', { do: 'fail', status: 500, body: secretWords }],
  ['silence', 'PROVIDER_TIMEOUT', { do: 'hang', after: 0 }],
  ['silence in the middle', 'PROVIDER_TIMEOUT', { do: 'hang', after: 2 }],
  ['no JSON', 'PROVIDER_REPLY_INVALID', { do: 'garble', text: `{"choices": ["${canary}` }],
  ['other JSON', 'PROVIDER_REPLY_INVALID', { do: 'garble', text: '{"choices":"x","type":"x"}' }],
  [
    'an error in the middle',
    'PROVIDER_FAILED',
    { do: 'garble', text: JSON.stringify({ type: 'error', error: { type: 'x', message: secretWords } }) },
  ],
  ['a broken connection', 'PROVIDER_REPLY_CUT_OFF', { do: 'cut', after: 2 }],
  ['a stream without an end', 'PROVIDER_REPLY_CUT_OFF', { do: 'cut', after: 2, politely: true }],
  ['a reset', 'PROVIDER_UNREACHABLE', { do: 'reset' }],
  ['an empty reply', 'PROVIDER_REPLY_INVALID', { do: 'answer', text: [] }],
  ['a blank reply', 'PROVIDER_REPLY_INVALID', { do: 'answer', text: [' ', '\n'] }],
  ['a reply that never stops', 'PROVIDER_REPLY_INVALID', { do: 'babble' }],
];

describe.each(everyProvider)('a chat with a model of %s', (_name, create) => {
  describe.each(ways)('%s', (_way, say) => {
    it.each(failures)('says of %s %s, records it, and goes on as if it had not been asked', async (...row) => {
      const [, code, behaviour, retryAfterMs] = row;
      const { server, chat, turns } = await setUp(create, behaviour.do === 'hang' ? 300 : undefined);
      expect(await say(chat, 'Hello!')).toBe('Hello there');
      server.order(behaviour);
      const error = await say(chat, 'Fail!').catch((reason: unknown) => reason);
      expect(error).toMatchObject({ name: 'BusError', code, ...(retryAfterMs !== undefined && { retryAfterMs }) });
      expect(chat.describe()).toMatchObject({ state: 'idle', turns: 1 });
      expect(await say(chat, 'And now?')).toBe('Hello there');
      expect(sent(server)).toEqual(['system: Be brief.', 'user: Hello!', 'assistant: Hello there', 'user: And now?']);
      expect(server.requests).toHaveLength(3);
      expect(chat.getHistory().map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant']);
      const recorded = await turns(chat);
      expect(recorded.map(({ status }) => status)).toEqual(['completed', 'failed', 'completed']);
      expect(recorded[1]?.error?.code).toBe(code);
      expect(JSON.stringify(recorded)).not.toMatch(/canary|odd|choices/);
    });
  });

  it('goes on after all of these, one after the other, as if they had not been asked', async () => {
    const { server, chat, turns } = await setUp(create, 300);
    const codes: unknown[] = [];
    for (const [, , behaviour] of failures) {
      server.order(behaviour);
      await chat.sendMessage('Fail!').catch((reason: { code: string }) => codes.push(reason.code));
    }
    expect(codes).toEqual(failures.map(([, code]) => code));
    // On a busy machine this one may be silent for longer than others may.
    await vi.waitFor(async () => expect(await chat.sendMessage('And now?')).toBe('Hello there'));
    expect(sent(server)).toEqual(['system: Be brief.', 'user: And now?']);
    expect((await turns(chat)).slice(0, failures.length).map(({ error }) => error?.code)).toEqual(codes);
  });

  it('that hangs longer than the chat waits is timed out, and its request ends', async () => {
    const { server, clock, chat, turns } = await setUp(create);
    server.order({ do: 'hang' });
    const said = chat.sendMessage('Hello!', { timeoutMs: 60_000 });
    said.catch(() => undefined);
    const request = await server.request();
    clock.advance(60_000);
    await expect(said).rejects.toEqual(refused('CHAT_TIMEOUT'));
    await vi.waitFor(() => expect(request.aborted).toBe(true));
    expect(await turns(chat)).toMatchObject([{ status: 'timed_out', error: { code: 'CHAT_TIMEOUT' } }]);
    expect(await chat.sendMessage('Again!')).toBe('Hello there');
    expect(sent(server)).toEqual(['system: Be brief.', 'user: Again!']);
  });

  it('that never stops is stopped by who listens no longer, and its request ends', async () => {
    const { server, chat, turns } = await setUp(create);
    server.order({ do: 'babble' });
    let heard = 0;
    for await (const part of chat.stream('Hello!')) {
      heard += part.length;
      if (heard > 5_000) break;
    }
    const request = await server.request();
    await vi.waitFor(() => expect(request.aborted).toBe(true));
    expect(await turns(chat)).toMatchObject([{ status: 'aborted' }]);
    expect(chat.getHistory()).toEqual([]);
    expect(await chat.sendMessage('Again!')).toBe('Hello there');
    expect(sent(server)).toEqual(['system: Be brief.', 'user: Again!']);
  });

  it('whose caller aborts ends its request, and says so', async () => {
    const { server, chat, turns } = await setUp(create);
    server.order({ do: 'babble' });
    const abort = new AbortController();
    const reading = (async () => {
      for await (const _part of chat.stream('Hello!', { signal: abort.signal })) abort.abort();
    })();
    await expect(reading).rejects.toEqual(refused('CHAT_ABORTED'));
    const request = await server.request();
    await vi.waitFor(() => expect(request.aborted).toBe(true));
    expect(await turns(chat)).toMatchObject([{ status: 'aborted', error: undefined }]);
  });
});

describe('turns of a chat', () => {
  it('that are asked for all at once are answered one after the other, in this order', async () => {
    const { server, chat, turns } = await setUp();
    const questions = Array.from({ length: 20 }, (_, index) => `question ${index}`);
    server.order(...questions.map((text): Behaviour => ({ do: 'answer', text: `to ${text}`, delayMs: 2 })));
    const ended: string[] = [];
    await Promise.all(questions.map(async (one) => void ended.push(await chat.sendMessage(one))));
    expect(ended).toEqual(questions.map((one) => `to ${one}`));
    // Each was sent when all before it had their replies.
    expect(server.requests.map(({ body }) => body.messages.length)).toEqual(questions.map((_, index) => 2 + 2 * index));
    expect(chat.getHistory().map(({ content }) => content)).toEqual(questions.flatMap((one) => [one, `to ${one}`]));
    expect(await turns(chat)).toHaveLength(20);
  });

  it('do not wait for other chats', async () => {
    const { server, newChat } = await setUp();
    const chats = await Promise.all(Array.from({ length: 5 }, newChat));
    server.order(...chats.map((): Behaviour => ({ do: 'hang' })));
    const abort = new AbortController();
    const hanging = chats.map((one) => one.sendMessage('Hello!', { signal: abort.signal }));
    // All of them are asked while none has a reply.
    await Promise.all(chats.map(() => server.request()));
    abort.abort();
    for (const one of hanging) await expect(one).rejects.toEqual(refused('CHAT_ABORTED'));
  });

  it('that are given up while they wait are never sent, and the others are answered', async () => {
    const { server, chat } = await setUp();
    const abort = new AbortController();
    const all = Array.from({ length: 6 }, (_, index) =>
      chat.sendMessage(`${index}`, index === 2 || index === 4 ? { signal: abort.signal } : {}),
    );
    abort.abort();
    const outcomes = await Promise.allSettled(all);
    expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual([true, true, false, true, false, true]);
    expect(outcomes[2]).toMatchObject({ reason: refused('CHAT_ABORTED') });
    const asked = server.requests.map(({ body }) => body.messages.at(-1).content);
    expect(asked).toEqual(['0', '1', '3', '5']);
  });

  it.each([
    ['the chat is deleted', 'CHAT_NOT_FOUND', ({ sessions, chat }: House) => sessions.deleteChat(chat.id)],
    ['the session is over', 'SESSION_ENDED', ({ sessions, sessionId }: House) => sessions.completeSession(sessionId)],
    ['the session is deleted', 'SESSION_ENDED', ({ sessions, sessionId }: House) => sessions.deleteSession(sessionId)],
    ['the bus stops', 'SHUTTING_DOWN', ({ sessions }: House) => void sessions.close()],
  ])('end when %s: %s, asked or waiting', async (_what, code, end) => {
    const house = await setUp();
    const { server, chat } = house;
    server.order({ do: 'hang' });
    const all = [chat.sendMessage('1'), chat.sendMessage('2'), chat.sendMessage('3')];
    for (const one of all) one.catch(() => undefined);
    const request = await server.request();
    end(house);
    for (const one of all) await expect(one).rejects.toEqual(refused(code));
    await vi.waitFor(() => expect(request.aborted).toBe(true));
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    ['', {}],
    ['x'.repeat(500_001), {}],
    [17 as unknown as string, {}],
    ['Hi.', { timeoutMs: Number.NaN }],
    ['Hi.', { timeoutMs: 0 }],
  ])('are refused where the question or its time is none', async (content, options) => {
    const { server, chat, turns } = await setUp();
    await expect(chat.sendMessage(content, options)).rejects.toEqual(refused('VALIDATION_FAILED'));
    expect(server.requests).toEqual([]);
    expect(await turns(chat)).toEqual([]);
  });
});

type House = Awaited<ReturnType<typeof setUp>>;

describe('a provider that is named', () => {
  const local = (baseURL: string): Settings => ({
    local: { kind: 'openai-compatible', baseURL, apiKeyEnv: 'LOCAL_KEY', models: ['small'] },
  });
  const agentConfig = (provider: string, model = 'small') => ({ name: 'Coder', defaultModel: { provider, model } });

  it.each([
    ['is not there', 'UNKNOWN_PROVIDER', agentConfig('elsewhere'), { LOCAL_KEY: canary }],
    ['has no key', 'PROVIDER_KEY_MISSING', agentConfig('local'), {}],
    ['has no such model', 'UNKNOWN_MODEL', agentConfig('local', 'large'), { LOCAL_KEY: canary }],
  ])('and %s is refused when the chat is made: %s', async (_what, code, config, env) => {
    const { sessions } = await open({ chatModels: chatModels(local('http://127.0.0.1:1/v1'), env) });
    const sessionId = sessions.createSession({ name: 'Development' });
    await expect(sessions.createChat(sessionId, { agentConfig: config })).rejects.toEqual(refused(code));
    expect(sessions.getSessionChats(sessionId)).toEqual([]);
  });

  it.each([
    ['is gone', 'UNKNOWN_PROVIDER', () => chatModels()],
    ['has lost its key', 'PROVIDER_KEY_MISSING', (url: string) => chatModels(local(url))],
  ])('and %s after a restart fails its turns: %s, and works again once it is back', async (_what, code, after) => {
    const server = await startModelServer();
    const log = new MemorySessionLog();
    const whole = () => chatModels(local(server.baseURL), { LOCAL_KEY: canary });
    const before = await open({ log, chatModels: whole() });
    const sessionId = before.sessions.createSession({ name: 'Development' });
    const id = await before.sessions.createChat(sessionId, { agentConfig: agentConfig('local') });
    await before.sessions.getChat(id)?.sendMessage('Hello!');
    await before.sessions.close();
    const without = await open({ log, chatModels: after(server.baseURL) });
    await expect(without.sessions.getChat(id)?.sendMessage('Fail!')).rejects.toEqual(refused(code));
    await without.sessions.close();
    const again = await open({ log, chatModels: whole() });
    expect(await again.sessions.getChat(id)?.sendMessage('And now?')).toBe('Hello there');
    expect(sent(server)).toEqual(['user: Hello!', 'assistant: Hello there', 'user: And now?']);
    await again.sessions.settled(sessionId);
    const recorded = turnsOf(log.events(sessionId), id);
    expect(recorded).toMatchObject([
      { status: 'completed' },
      { status: 'failed', error: { code } },
      { status: 'completed' },
    ]);
    expect(JSON.stringify(log.events(sessionId))).not.toContain(canary);
  });
});
