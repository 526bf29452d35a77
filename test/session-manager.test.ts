// The session manager without a bus: its options, its workspaces, its end.
import { describe, expect, it, onTestFinished } from 'vitest';
import { SessionManager, type SessionManagerOptions } from '../src/session-manager.ts';
import { AgentFactory } from '../src/templates/agent-factory.ts';
import { AgentTemplates } from '../src/templates/agent-templates.ts';
import { fakeProvider } from './support/fake-provider.ts';
import { startBus } from './support/running-bus.ts';
import { packageRoot, runToEnd } from './support/server-process.ts';

const refused = (code: string, message = '') =>
  expect.objectContaining({ name: 'BusError', code, message: expect.stringContaining(message) });

function setUp(options: SessionManagerOptions = {}) {
  const manager = new SessionManager(options);
  onTestFinished(() => manager.close());
  const provider = fakeProvider();
  const agentConfig = {
    name: 'Coding Assistant',
    aiProviders: [provider],
    defaultModel: { provider: 'openai', model: 'gpt-4', systemMessage: 'You are an expert programmer.' },
  };
  return { manager, provider, agentConfig };
}

describe('a session manager without a bus', () => {
  it('is there at once, and its chats answer', async () => {
    const { manager, provider, agentConfig } = setUp({ maxSessions: 10, maxChatsPerSession: 5 });
    const sessionId = manager.createSession({ name: 'Dev', userId: 'developer-123', workspaceId: 'workspace-dev' });
    expect(manager.getSession(sessionId)).toMatchObject({ user_id: 'developer-123', workspace_id: 'workspace-dev' });
    const chatId = await manager.createChat(sessionId, { name: 'Coder', agentConfig });
    const chat = manager.getChat(chatId);
    expect(await chat?.sendMessage('Hello!')).toBe('2 messages');
    expect(chat?.getHistory().map(({ role, content }) => [role, content])).toEqual([
      ['user', 'Hello!'],
      ['assistant', '2 messages'],
    ]);
    expect(provider.requests[0]).toMatchObject({
      model: 'gpt-4',
      messages: [{ role: 'system' }, { content: 'Hello!' }],
    });
    chat?.clearHistory();
    expect(chat?.getHistory()).toEqual([]);
    manager.deleteSession(sessionId);
    expect([manager.getSession(sessionId), manager.getChat(chatId)]).toEqual([undefined, undefined]);
  });

  it('needs no option, and neither does a session', () => {
    const { manager } = setUp();
    const sessionId = manager.createSession();
    expect(manager.getSession(sessionId)).toMatchObject({ name: sessionId, user_id: null, workspace_id: 'default' });
  });

  it('takes the place of the one of a bus, and the other way round', async () => {
    const work = async (sessions: SessionManager) => {
      const sessionId = sessions.createSession({ workspaceId: 'w1' });
      const { agentConfig } = setUp();
      const chatId = await sessions.createChat(sessionId, { agentConfig });
      return sessions.workspace('w1').getChat(chatId)?.sendMessage('Hello!');
    };
    const { bus } = await startBus();
    expect([await work(new SessionManager()), await work(bus.sessionManager)]).toEqual(['2 messages', '2 messages']);
  });

  it('makes chats from templates, its own among them, and from what a factory makes', async () => {
    const templates = new AgentTemplates();
    const defaultModel = { provider: 'openai', model: 'gpt-4o', temperature: 0.9 };
    templates.register({ id: 'poet', name: 'Poet', defaultModel });
    const provider = fakeProvider();
    const { manager } = setUp({ templates, aiProviders: [provider] });
    const sessionId = manager.createSession();
    const factory = new AgentFactory({ aiProviders: [provider] });
    const ids = [
      await manager.createChat(sessionId, { template: 'coder', overrides: { defaultModel: { temperature: 0 } } }),
      await manager.createChat(sessionId, { template: 'poet' }),
      await manager.createChat(sessionId, { agentConfig: factory.create('reviewer') }),
    ];
    for (const id of ids) await manager.getChat(id)?.sendMessage('Hello!');
    expect(provider.requests.map(({ temperature }) => temperature)).toEqual([0, 0.9, 0.3]);
    expect(provider.requests[0]?.messages[0]?.content).toMatch(/^You are an expert programmer/);
    expect(manager.getSessionChats(sessionId).map(({ name }) => name)).toEqual([
      'Coding Assistant',
      'Poet',
      'Code Reviewer',
    ]);
  });

  it('has no agents to chat with, and says what has', async () => {
    const { manager } = setUp();
    const asked = manager.createChat(manager.createSession(), { agentId: 'codex://reviewer' });
    await expect(asked).rejects.toEqual(refused('AGENT_NOT_FOUND', 'in memory only'));
    await expect(asked).rejects.toThrow('CommunicationBus');
  });

  it('remembers the last events of a session, and not all of them', async () => {
    const { manager } = setUp();
    const sessionId = manager.createSession();
    for (let n = 0; n < 5000; n++) manager.updateSharedContext(sessionId, { n });
    await manager.settled(sessionId);
    const events = await manager.readEvents(sessionId, 0, 10_000);
    expect(events.length).toBeGreaterThanOrEqual(1000);
    expect(events.length).toBeLessThanOrEqual(2000);
    expect(events.at(-1)).toMatchObject({ id: '5001', data: { context: { n: 4999 } } });
    expect((await manager.readEvents(sessionId, 4998, 2)).map(({ id }) => id)).toEqual(['4999', '5000']);
    expect(manager.getSession(sessionId)).toMatchObject({ version: 5001, shared_context: { n: 4999 } });
  });

  it.each<[string, object]>([
    ['option maxSession is unknown; did you mean maxSessions?', { maxSession: 10 }],
    ['option port is unknown', { port: 8080 }],
    ['option maxSessions must be a whole number from 0', { maxSessions: -1 }],
    ['option maxChatsPerSession must be a whole number from 0', { maxChatsPerSession: 1.5 }],
    ['option chatHistoryLimit must be a whole number from 2', { chatHistoryLimit: 1 }],
    ['option enableWorkspaceIsolation must be true or false, not "yes"', { enableWorkspaceIsolation: 'yes' }],
    ['option autoAdvance must be true or false', { autoAdvance: 1 }],
    ['option sessionTimeout must be milliseconds or', { sessionTimeout: 'soon' }],
    ['option chatTimeout must be milliseconds or', { chatTimeout: 0 }],
    ['option retention must be milliseconds or', { retention: null }],
    ['option templates must be an AgentTemplates', { templates: './templates' }],
    ['option aiProviders must be a list of providers', { aiProviders: fakeProvider() }],
    ['option aiProviders/0 must be a provider', { aiProviders: [{}] }],
    ['(and 1 more)', { maxSessions: 'ten', maxChatsPerSession: 'five' }],
  ])('is refused: %s', (message, options) => {
    expect(() => new SessionManager(options as SessionManagerOptions)).toThrow(refused('CONFIG_INVALID', message));
  });
});

describe('its limits', () => {
  it('count the sessions of all workspaces together', async () => {
    const { manager } = setUp({ maxSessions: 10 });
    const ids = Array.from({ length: 10 }, (_, n) => manager.createSession({ workspaceId: `w${n % 3}` }));
    expect(() => manager.workspace('w0').createSession()).toThrow(refused('SESSION_LIMIT'));
    expect(() => manager.createSession({ workspaceId: 'new' })).toThrow(refused('SESSION_LIMIT'));
    manager.deleteSession(ids[4] ?? '');
    manager.createSession({ workspaceId: 'new' });
    expect(() => manager.createSession()).toThrow(refused('SESSION_LIMIT'));
  });

  it('count the chats of each session, however many are asked for at once', async () => {
    const { manager, agentConfig } = setUp({ maxChatsPerSession: 5 });
    const sessionId = manager.createSession();
    const all = await Promise.allSettled(
      Array.from({ length: 50 }, () => manager.createChat(sessionId, { agentConfig })),
    );
    const reasons = all.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    expect(reasons).toEqual(Array(45).fill(refused('CHAT_LIMIT')));
    expect(manager.getSessionChats(sessionId)).toHaveLength(5);
    await manager.createChat(manager.createSession(), { agentConfig });
  });

  it('bound what a chat remembers, and how long it waits', async () => {
    const { manager, agentConfig } = setUp({ chatHistoryLimit: 2, chatTimeout: 50 });
    const sessionId = manager.createSession();
    const chat = manager.getChat(await manager.createChat(sessionId, { agentConfig }));
    for (const content of ['One', 'Two']) await chat?.sendMessage(content);
    expect(chat?.getHistory().map(({ content }) => content)).toEqual(['Two', '4 messages']);
    const deaf = { ...fakeProvider(), stream: () => ({ [Symbol.asyncIterator]: () => ({ next: never }) }) };
    const never = () => new Promise<never>(() => undefined);
    const id = await manager.createChat(sessionId, { agentConfig: { ...agentConfig, aiProviders: [deaf] } });
    await expect(manager.getChat(id)?.sendMessage('Hello?')).rejects.toEqual(refused('CHAT_TIMEOUT'));
  });
});

/** A session with a chat in each of two workspaces. */
async function twoWorkspaces(options: SessionManagerOptions) {
  const { manager, agentConfig } = setUp(options);
  const [a, b] = ['a', 'b'].map((workspaceId) => manager.createSession({ workspaceId, userId: `user-${workspaceId}` }));
  const [sessionA = '', sessionB = ''] = [a, b];
  const chatA = await manager.createChat(sessionA, { chatId: 'chat_a', agentConfig });
  const chatB = await manager.createChat(sessionB, { chatId: 'chat_b', agentConfig });
  return { manager, agentConfig, sessionA, sessionB, chatA, chatB };
}

describe('with isolation, a workspace', () => {
  it('has nothing of another one, and no way to it', async () => {
    const { manager, agentConfig, sessionA, sessionB, chatA, chatB } = await twoWorkspaces({});
    const a = manager.workspace('a');
    expect([a.getSession(sessionB), a.getChat(chatB)]).toEqual([undefined, undefined]);
    expect(a.listSessions().items.map(({ session_id }) => session_id)).toEqual([sessionA]);
    expect(a.listSessions({ workspace_id: 'b' }).items).toEqual([]);
    expect(a.getActiveSessions()).toHaveLength(1);
    for (const ask of [
      () => a.getSessionChats(sessionB),
      () => a.getActiveChat(sessionB),
      () => a.switchChat(sessionB, chatB),
      () => a.deleteSession(sessionB),
      () => a.workspaceOf(sessionB),
    ]) {
      expect(ask).toThrow(refused('SESSION_NOT_FOUND'));
    }
    await expect(a.createChat(sessionB, { agentConfig })).rejects.toEqual(refused('SESSION_NOT_FOUND'));
    expect(() => a.switchChat(sessionA, chatB)).toThrow(refused('CHAT_NOT_FOUND'));
    expect(() => a.deleteChat(chatB)).toThrow(refused('CHAT_NOT_FOUND'));
    expect(() => a.workspace('b')).toThrow(refused('WORKSPACE_FORBIDDEN'));
    expect(() => a.createSession({ workspaceId: 'b' })).toThrow(refused('WORKSPACE_FORBIDDEN'));
    // Of the manager itself are all of them.
    expect([manager.getChat(chatA)?.sessionId, manager.getChat(chatB)?.sessionId]).toEqual([sessionA, sessionB]);
    expect(() => manager.switchChat(sessionA, chatB)).toThrow(refused('CHAT_NOT_FOUND'));
    expect(manager.workspaceOf(sessionB)).toBe('b');
  });

  it('may have the same ids as another, each with a history of its own', async () => {
    const { manager, agentConfig } = setUp();
    for (const workspaceId of ['a', 'b']) {
      const workspace = manager.workspace(workspaceId);
      workspace.createSession({ sessionId: 'sess_1' });
      await workspace.createChat('sess_1', { chatId: 'chat_1', agentConfig });
    }
    await manager.workspace('a').getChat('chat_1')?.sendMessage('Only here');
    expect(manager.workspace('a').getChat('chat_1')?.getHistory()).toHaveLength(2);
    expect(manager.workspace('b').getChat('chat_1')?.getHistory()).toEqual([]);
  });

  it('hears of its own sessions only', async () => {
    const { manager, sessionA, sessionB } = await twoWorkspaces({});
    const heard: string[] = [];
    manager.workspace('a').on('context_updated', ({ sessionId }) => heard.push(sessionId));
    for (const sessionId of [sessionA, sessionB]) manager.updateSharedContext(sessionId, { said: true });
    expect(heard).toEqual([sessionA]);
  });
});

describe('without isolation, a workspace', () => {
  it('is a label: everything is seen from everywhere', async () => {
    const { manager, sessionA, sessionB, chatB } = await twoWorkspaces({ enableWorkspaceIsolation: false });
    const a = manager.workspace('a');
    expect(a.getSession(sessionB)?.workspace_id).toBe('b');
    expect(a.getChat(chatB)?.sessionId).toBe(sessionB);
    expect(a.listSessions().items).toHaveLength(2);
    expect(a.listSessions({ workspace_id: 'b' }).items.map(({ session_id }) => session_id)).toEqual([sessionB]);
    expect(a.workspace('b').getSession(sessionA)?.workspace_id).toBe('a');
    expect([a.workspaceOf(sessionA), a.workspaceOf(sessionB)]).toEqual(['a', 'b']);
    // A chat stays one of its session, whatever workspaces are.
    expect(() => a.switchChat(sessionA, chatB)).toThrow(refused('CHAT_NOT_FOUND'));
  });

  it('is the label of what is made through it, unless that names another', () => {
    const { manager } = setUp({ enableWorkspaceIsolation: false });
    const made = [
      manager.createSession(),
      manager.workspace('a').createSession(),
      manager.workspace('a').createSession({ workspaceId: 'b' }),
      manager.workspace('a').workspace('c').createSession('codex://lead'),
    ];
    expect(made.map((id) => manager.getSession(id)?.workspace_id)).toEqual(['default', 'a', 'b', 'c']);
    for (const workspaceId of ['', 'a|b', 'x'.repeat(65)]) {
      expect(() => manager.workspace(workspaceId)).toThrow(refused('VALIDATION_FAILED'));
      expect(() => manager.createSession({ workspaceId })).toThrow(refused('VALIDATION_FAILED'));
    }
  });

  it('shares its ids with the others', async () => {
    const { manager, sessionB, agentConfig } = await twoWorkspaces({ enableWorkspaceIsolation: false });
    manager.createSession({ sessionId: 'sess_1', workspaceId: 'a' });
    const again = { sessionId: 'sess_1', workspaceId: 'b' };
    expect(() => manager.createSession(again)).toThrow(refused('SESSION_EXISTS'));
    const taken = manager.createChat(sessionB, { chatId: 'chat_a', agentConfig });
    await expect(taken).rejects.toEqual(refused('CHAT_EXISTS'));
  });

  it('is named in events, to the last', async () => {
    const { manager, sessionB } = await twoWorkspaces({ enableWorkspaceIsolation: false });
    const heard: string[] = [];
    manager.workspace('a').on('context_updated', ({ workspaceId }) => heard.push(workspaceId));
    manager.on('session_deleted', ({ workspaceId }) => heard.push(`deleted ${workspaceId}`));
    manager.updateSharedContext(sessionB, { said: true });
    manager.deleteSession(sessionB);
    expect(heard).toEqual(['b', 'deleted b']);
  });
});

describe('sessions', () => {
  it('are listed by workspace, user, name and state', () => {
    const { manager } = setUp();
    const [alpha, beta, gamma] = [
      manager.createSession({ name: 'Project Alpha', workspaceId: 'alpha', userId: 'user-a' }),
      manager.createSession({ name: 'Project Beta', workspaceId: 'beta', userId: 'user-a' }),
      manager.createSession({ name: 'Project Gamma', workspaceId: 'beta', userId: 'user-b' }),
    ];
    manager.completeSession(gamma);
    const ids = (filter: Parameters<SessionManager['listSessions']>[0]) =>
      manager.listSessions(filter).items.map(({ session_id }) => session_id);
    expect(ids({ workspace_id: 'alpha' })).toEqual([alpha]);
    expect(ids({ user_id: 'user-a' }).sort()).toEqual([alpha, beta].sort());
    expect(ids({ name: 'Project Beta' })).toEqual([beta]);
    expect(ids({ state: 'completed' })).toEqual([gamma]);
    expect(ids({ workspace_id: 'beta', state: 'active' })).toEqual([beta]);
  });
});

describe('its end', () => {
  it('gives up what is being answered, and takes nothing more, in no workspace', async () => {
    const { manager, agentConfig } = setUp();
    const never = () => new Promise<never>(() => undefined);
    const deaf = { ...fakeProvider(), stream: () => ({ [Symbol.asyncIterator]: () => ({ next: never }) }) };
    const sessionId = manager.createSession();
    const chatId = await manager.createChat(sessionId, { agentConfig: { ...agentConfig, aiProviders: [deaf] } });
    const asked = manager.getChat(chatId)?.sendMessage('Hello?');
    await Promise.all([manager.close(), expect(asked).rejects.toEqual(refused('SHUTTING_DOWN'))]);
    await manager.close();
    expect(() => manager.createSession()).toThrow(refused('SHUTTING_DOWN'));
    expect(() => manager.createSession({ workspaceId: 'new' })).toThrow(refused('SHUTTING_DOWN'));
  });

  it('need not be asked for: the process ends by itself', async () => {
    const program = `
      import { SessionManager } from '@vibes/agent-communication-bus';
      const manager = new SessionManager();
      manager.createSession({ workspaceId: 'w1' });
      const task = { delegatee: 'codex://reviewer' };
      const sessionId = manager.createSession('codex://reviewer');
      manager.delegateTask(sessionId, task);
      console.log(manager.getActiveSessions().length);`;
    const ended = await runToEnd(['--input-type=module', '-e', program], {
      command: [process.execPath],
      cwd: packageRoot,
    });
    expect(ended).toEqual({ code: 0, signal: null, stdout: '2\n', stderr: '' });
  });
});

describe('a session that a listener deletes', () => {
  it('is told of in the order in which it happened', () => {
    const sessions = new SessionManager();
    onTestFinished(() => sessions.close());
    const told: string[] = [];
    for (const name of ['session_created', 'task_updated', 'session_terminated', 'session_deleted'] as const) {
      sessions.on(name, () => told.push(name));
    }
    sessions.on('task_delegated', ({ sessionId }) => sessions.deleteSession(sessionId));
    const sessionId = sessions.createSession('claude-code://lead');
    sessions.delegateTask(sessionId, { delegatee: 'claude-code://lead' });
    expect(told).toEqual(['session_created', 'task_updated', 'session_terminated', 'session_deleted']);
  });
});
