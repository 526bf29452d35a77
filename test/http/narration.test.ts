// Prose in summaries: a model writes about the figures, and changes none of them.
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { summaryMarkdown } from '../../src/core/summary/markdown.ts';
import { createProviderRegistry } from '../../src/providers/registry.ts';
import { AgentTemplates } from '../../src/templates/agent-templates.ts';
import { createChatModels } from '../../src/templates/chat-models.ts';
import { startModelServer } from '../support/model-server.ts';
import { expectProblem, startHttp } from './start-http.ts';
import { backend, frontend, lead } from './summary-story.ts';
import { openTestBus } from './test-bus.ts';

const sessionId = 'sess_1';
const path = `/sessions/${sessionId}/summary`;
const narrated = `${path}?narrate=chat_1`;

/** A session with work in it, and a chat with one turn behind it. */
async function setUp() {
  const server = await startModelServer();
  const providers = { local: { kind: 'openai-compatible' as const, baseURL: server.baseURL } };
  const chatModels = createChatModels({
    templates: new AgentTemplates(),
    providers: createProviderRegistry({ providers, env: {} }),
  });
  const failures: unknown[] = [];
  const bus = await openTestBus(failures, { chatModels });
  const http = await startHttp({ bus });
  onTestFinished(async () => {
    await bus.close();
    expect(failures).toEqual([]);
  });
  const { sessions } = bus;
  sessions.createSession({
    sessionId,
    orchestrator: lead,
    participants: [{ agent_id: backend }, { agent_id: frontend }],
    workflow: [{ name: 'review', required_agents: [backend, frontend] }],
  });
  for (const [index, delegatee] of [backend, frontend].entries()) {
    const taskId = sessions.delegateTask(sessionId, { delegatee, task_type: 'review', step: 'review' });
    sessions.updateTaskStatus(sessionId, taskId, 'completed', { result: { risk: index ? 'high' : 'low' } });
  }
  const defaultModel = { provider: 'local', model: 'small', temperature: 0.3, systemMessage: 'You write plainly.' };
  await sessions.createChat(sessionId, { chatId: 'chat_1', agentConfig: { name: 'Writer', defaultModel } });
  const chat = sessions.getChat('chat_1') ?? expect.unreachable();
  await chat.sendMessage('Hello!');
  await sessions.settled(sessionId);
  const plain = await http.call('GET', path);
  return { ...http, bus, server, sessions, chat, plain };
}

describe('a summary with prose', () => {
  it('has what the model of the chat wrote beside the same figures, and says who wrote it', async () => {
    const { call, server, plain } = await setUp();
    server.order({ do: 'answer', text: ['All is ', 'well.'] });
    const { status, body } = await call('GET', narrated);
    expect(status).toBe(200);
    expect(body.summary).toEqual(plain.body.summary);
    expect(body.narrative).toEqual({
      chat_id: 'chat_1',
      provider: 'local',
      model: 'small',
      content: 'All is well.',
      generated_at: expect.stringMatching(/^\d{4}-.*Z$/),
      finish_reason: 'stop',
      usage: { input_tokens: 11, output_tokens: 7 },
    });
    expect(plain.body).not.toHaveProperty('narrative');
  });

  it('was asked of the model with its settings and all figures, and without the conversation', async () => {
    const { call, server, plain } = await setUp();
    await call('GET', narrated);
    const { model, temperature, messages } = server.requests.at(-1)?.body ?? {};
    expect({ model, temperature }).toEqual({ model: 'small', temperature: 0.3 });
    expect(messages.map(({ role }: { role: string }) => role)).toEqual(['system', 'user']);
    expect(messages[0].content).toBe('You write plainly.');
    expect(messages[1].content).toContain(summaryMarkdown(plain.body.summary));
    expect(messages[1].content).toContain('1 conflict between results');
    expect(messages[1].content).not.toContain('Hello!');
  });

  it('leaves no trace in the chat, the events and the summary', async () => {
    const { call, server, chat, sessions, plain } = await setUp();
    const before = [chat.describe(), chat.getHistory(), await sessions.readEvents(sessionId, 0, 1000)];
    await call('GET', narrated);
    expect([chat.describe(), chat.getHistory(), await sessions.readEvents(sessionId, 0, 1000)]).toEqual(before);
    expect((await call('GET', path)).text).toBe(plain.text);
    await chat.sendMessage('And now?');
    expect(server.requests.at(-1)?.body.messages).toHaveLength(4);
  });

  it('in Markdown stands behind what is recorded, as a quotation that nothing in it ends', async () => {
    const { call, server } = await setUp();
    const record = (await call('GET', `${path}?format=markdown`)).text;
    server.order({ do: 'answer', text: 'Fine.\n\n## Steps\n| a | b |\n<b>bold</b>\n1. first' });
    const { text } = await call('GET', `${narrated}&format=markdown`);
    expect(text.startsWith(record)).toBe(true);
    expect(text.slice(record.length).replace(/ at \S+ /, ' at NOW ')).toBe(
      [
        '',
        '## Narrative',
        '',
        'Written by the model small of local in the chat chat\\_1 at NOW It was not checked: only what stands above is from records.',
        '',
        '> Fine.',
        '>',
        '> \\#\\# Steps',
        '> \\| a \\| b \\|',
        '> \\<b\\>bold\\</b\\>',
        '> 1\\. first',
        '',
      ].join('\n'),
    );
  });

  it('is there of a completed session too, about the summary that was kept, and by its active chat', async () => {
    const { call, server, sessions } = await setUp();
    sessions.completeSession(sessionId, { summary: 'Reviewed' });
    const kept = await call('GET', path);
    const { status, body } = await call('GET', `${path}?narrate=active`);
    expect([status, body.summary, body.narrative.chat_id]).toEqual([200, kept.body.summary, 'chat_1']);
    expect(server.requests.at(-1)?.body.messages.at(-1).content).toContain('Completed after');
    expect((await call('GET', path)).text).toBe(kept.text);
  });

  it('takes the synthesis that is asked for', async () => {
    const { call, server } = await setUp();
    const { body } = await call('GET', `${narrated}&strategy=specialist&specialists=${frontend}`);
    expect(body.summary.synthesis).toEqual({ strategy: 'specialist', specialists: [frontend] });
    expect(server.requests.at(-1)?.body.messages.at(-1).content).toContain('| Synthesis | specialist |');
  });

  it('waits for the turn before it, and the next turn for it', async () => {
    const { call, server, sessions, chat } = await setUp();
    server.order({ do: 'hang' }, { do: 'answer', text: 'prose', delayMs: 20 }, { do: 'answer', text: 'last' });
    const abort = new AbortController();
    const first = chat.sendMessage('1', { signal: abort.signal });
    first.catch(() => undefined);
    const prose = sessions.narrateSummary(sessionId, 'chat_1');
    const last = chat.sendMessage('2');
    for (const _ of ['Hello!', '1']) await server.request();
    await call('GET', path);
    expect(server.requests).toHaveLength(2);
    abort.abort();
    expect((await prose).narrative.content).toBe('prose');
    expect(await last).toBe('last');
    const asked = server.requests.map(({ body }) => body.messages.at(-1).content.slice(0, 6));
    expect(asked).toEqual(['Hello!', '1', 'Tell a', '2']);
  });
});

describe('a summary whose prose fails', () => {
  it.each([
    ['PROVIDER_RATE_LIMITED', 429, { do: 'fail', status: 429, headers: { 'retry-after': '7' } } as const],
    ['PROVIDER_FAILED', 502, { do: 'fail', status: 500 } as const],
    ['PROVIDER_REPLY_INVALID', 502, { do: 'answer', text: [] } as const],
    ['PROVIDER_REPLY_CUT_OFF', 502, { do: 'cut' } as const],
  ])('is %s, and the one without is there', async (code, status, behaviour) => {
    const { call, server, chat, plain } = await setUp();
    server.order('text' in behaviour ? { do: 'answer', text: [] } : behaviour);
    const reply = await call('GET', narrated);
    expectProblem(reply, status, code);
    if (status === 429) expect(reply.headers['retry-after']).toBe('7');
    expect((await call('GET', path)).text).toBe(plain.text);
    expect(await chat.sendMessage('And now?')).toBe('Hello there');
  });

  it('for want of a chat is CHAT_NOT_FOUND, also for one of another session', async () => {
    const { call, sessions, server } = await setUp();
    sessions.createSession({ sessionId: 'other' });
    expectProblem(await call('GET', `${path}?narrate=chat_9`), 404, 'CHAT_NOT_FOUND');
    expectProblem(await call('GET', '/sessions/other/summary?narrate=chat_1'), 404, 'CHAT_NOT_FOUND');
    expectProblem(await call('GET', '/sessions/other/summary?narrate=active'), 409, 'NO_ACTIVE_CHAT');
    expectProblem(await call('GET', '/sessions/nowhere/summary?narrate=chat_1'), 404, 'SESSION_NOT_FOUND');
    expect(server.requests).toHaveLength(1);
  });

  it('ends the request to the provider when its caller goes away, when its chat is deleted, and by its time', async () => {
    const { bus, server, sessions, url } = await setUp();
    server.order({ do: 'hang' }, { do: 'hang' }, { do: 'hang' });
    await server.request();
    const leaving = new AbortController();
    const headers = { 'x-agent-api-key': 'test-key' };
    const asked = fetch(url + narrated, { headers, signal: leaving.signal }).catch(() => undefined);
    const first = await server.request();
    leaving.abort();
    await asked;
    await vi.waitFor(() => expect(first.aborted).toBe(true));
    const late = bus.sessions.narrateSummary(sessionId, 'chat_1', { timeoutMs: 50 });
    await expect(late).rejects.toMatchObject({ code: 'CHAT_TIMEOUT' });
    const deleted = bus.sessions.narrateSummary(sessionId, 'chat_1');
    deleted.catch(() => undefined);
    await server.request();
    const third = await server.request();
    sessions.deleteChat('chat_1');
    await expect(deleted).rejects.toMatchObject({ code: 'CHAT_NOT_FOUND' });
    await vi.waitFor(() => expect(third.aborted).toBe(true));
  });
});

describe('prose about a session', () => {
  it('is for those who may use its chats, and an agent that takes no part reads no figures either: results are among them', async () => {
    const { call, server } = await setUp();
    const tokenOf = async (agent_id: string) =>
      (await call('POST', '/agents/register', { body: { agent_descriptor: { agent_id, capabilities: [] } } })).body
        .token;
    const stranger = await tokenOf('codex://stranger');
    for (const one of [path, narrated]) expectProblem(await call('GET', one, { key: stranger }), 403, 'FORBIDDEN');
    expect(server.requests).toHaveLength(1);
    expect((await call('GET', narrated, { key: await tokenOf(backend) })).status).toBe(200);
  });

  it('is not asked for by a key of another workspace, nor by HEAD', async () => {
    const { call, server, bus } = await setUp();
    const elsewhere = await call('GET', narrated, { headers: { 'x-agent-workspace': 'elsewhere' } });
    expectProblem(elsewhere, 404, 'SESSION_NOT_FOUND');
    const view = bus.sessions.workspace('elsewhere');
    await expect(view.narrateSummary(sessionId, 'chat_1')).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' });
    expect((await call('HEAD', narrated)).status).toBe(200);
    expect(server.requests).toHaveLength(1);
  });
});

describe('prose by an agent of the bus', () => {
  it('is its reply, and the figures know nothing of it', async () => {
    const { call, sessions } = await setUp();
    await sessions.createChat(sessionId, { chatId: 'chat_2', agentId: backend });
    await sessions.settled(sessionId);
    const before = (await call('GET', path)).text;
    const asked = call('GET', `${path}?narrate=chat_2`);
    const { body } = await call('GET', `/agents/${backend}/messages?wait=5s`);
    const { envelope } = body.items[0];
    expect(envelope.payload).toMatchObject({ task_type: 'chat', chat_id: 'chat_2' });
    expect(envelope.payload.content).toContain('2 of 2 tasks completed');
    const response = {
      message_type: 'task_response',
      sender: { agent_id: backend },
      recipient: { agent_id: envelope.sender.agent_id },
      payload: { content: 'All is well.' },
      metadata: { in_reply_to: envelope.message_id },
    };
    expect((await call('POST', '/messages/send', { body: response })).status).toBe(202);
    expect((await asked).body.narrative).toMatchObject({ agent_id: backend, content: 'All is well.' });
    expect((await call('GET', path)).text).toBe(before);
  });
});
