// Chats as somebody with curl has them: the built server, a model server beside it, an agent on a socket, and kill -9.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startModelServer } from '../support/model-server.ts';
import { type ServerProcess, startServer } from '../support/server-process.ts';
import { type Frame, SocketClient } from '../support/socket-client.ts';

const key = 'key-of-the-bus';
const headers = { 'x-agent-api-key': key, 'content-type': 'application/json' };
const chats = '/sessions/s1/chats';
const system = 'You are CANARY, be brief.';

let folder: string;
let server: ServerProcess;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'agent-bus-chats-'));
});
afterEach(async () => {
  server.kill('SIGKILL');
  await server.exited;
  rmSync(folder, { recursive: true });
});

async function serve(baseURL?: string): Promise<void> {
  const providers =
    baseURL === undefined ? [] : ['--providers', JSON.stringify({ local: { kind: 'openai-compatible', baseURL } })];
  server = await startServer(['--persistence-enabled', '--data-dir', folder, '--log-level', 'debug', ...providers], {
    env: { AGENT_BUS_API_KEY: key },
  });
}

async function kill(): Promise<void> {
  server.kill('SIGKILL');
  await server.exited;
}

async function call(method: string, path: string, body?: object): Promise<{ status: number; body: Frame }> {
  const response = await fetch(server.url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  return { status: response.status, body: (await response.json()) as Frame };
}

const say = (content: string, chat = 'active') => call('POST', `${chats}/${chat}/messages`, { content });
const history = async () => (await call('GET', `${chats}/active/history`)).body.items.map((one: Frame) => one.content);
const turnsOf = async () =>
  (await call('GET', '/sessions/s1/events?limit=1000')).body.items.flatMap(({ type, data }: Frame) =>
    type === 'chat_turn_ended' ? [data.status] : [],
  );

/** Says it to the active chat; what comes is read event by event. */
async function stream(content: string) {
  const leave = new AbortController();
  const response = await fetch(`${server.url}${chats}/active/messages`, {
    method: 'POST',
    headers: { ...headers, accept: 'text/event-stream' },
    body: JSON.stringify({ content }),
    signal: leave.signal,
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const next = async (): Promise<Frame> => {
    for (;;) {
      const end = text.indexOf('\n\n');
      if (end >= 0) {
        const [, type, data] = /^event: (.*)\ndata: (.*)$/.exec(text.slice(0, end)) ?? [];
        text = text.slice(end + 2);
        if (type !== undefined) return { type, data: JSON.parse(data ?? '') };
        continue;
      }
      const chunk = await reader?.read();
      if (!chunk || chunk.done) return { type: 'end' };
      text += chunk.value;
    }
  };
  return { next, leave: () => leave.abort() };
}

it('a chat with a model goes on after kill -9 in the middle of a turn, and nothing is sent twice', async () => {
  const model = await startModelServer();
  await serve(model.baseURL);
  await call('POST', '/sessions', { session_id: 's1' });
  const agent_config = {
    name: 'Coder',
    defaultModel: { provider: 'local', model: 'llama3.2', temperature: 0.1, systemMessage: system },
  };
  expect((await call('POST', chats, { agent_config: { ...agent_config, name: 'First' } })).status).toBe(201);
  expect((await call('POST', chats, { chat_id: 'coder', agent_config })).status).toBe(201);
  expect((await call('POST', `${chats}/coder/switch`)).body.chat.active).toBe(true);

  expect((await say('CANARY one')).body).toMatchObject({
    chat_id: 'coder',
    content: 'Hello there',
    finish_reason: 'stop',
  });
  const whole = await stream('CANARY two');
  expect([await whole.next(), await whole.next(), await whole.next()]).toEqual(
    ['Hel', 'lo ', 'there'].map((text) => ({ type: 'part', data: { text } })),
  );
  expect(await whole.next()).toMatchObject({ type: 'reply', data: { chat_id: 'coder', content: 'Hello there' } });
  expect(await whole.next()).toEqual({ type: 'end' });
  const wire = ({ body: { messages, ...rest } }: Frame) => ({
    ...rest,
    said: messages.map((one: Frame) => one.content),
  });
  expect(wire(model.requests[1] ?? {})).toMatchObject({
    model: 'llama3.2',
    temperature: 0.1,
    said: [system, 'CANARY one', 'Hello there', 'CANARY two'],
  });

  // A part is there while the model still thinks about the next one.
  model.order({ do: 'hang', after: 1 });
  const left = await stream('CANARY three');
  expect(await left.next()).toEqual({ type: 'part', data: { text: 'Hel' } });
  left.leave();
  await expect.poll(() => model.requests[2]?.aborted).toBe(true);
  await expect.poll(turnsOf).toEqual(['completed', 'completed', 'aborted']);

  model.order({ do: 'fail', status: 429, message: 'Not so fast, CANARY', headers: { 'retry-after': '7' } });
  const limited = await fetch(`${server.url}${chats}/active/messages`, {
    method: 'POST',
    headers,
    body: '{"content":"CANARY four"}',
  });
  expect(limited.status).toBe(429);
  expect(limited.headers.get('retry-after')).toBe('7');

  model.order({ do: 'fail', status: 500, message: 'What do you mean by CANARY?' });
  expect((await say('CANARY five')).status).toBe(502);

  model.order({ do: 'hang', after: 2 });
  const cut = await stream('CANARY six');
  expect((await cut.next()).type).toBe('part');
  await kill();
  const asked = model.requests.length;
  const log = server.stderr;

  await serve(model.baseURL);
  expect((await call('GET', `${chats}/active`)).body.chat).toMatchObject({ chat_id: 'coder', state: 'idle', turns: 2 });
  expect(await history()).toEqual(['CANARY one', 'Hello there', 'CANARY two', 'Hello there']);
  expect((await turnsOf()).slice(2)).toEqual(['aborted', 'failed', 'failed', 'interrupted']);
  expect((await say('CANARY seven')).body.content).toBe('Hello there');
  expect(model.requests).toHaveLength(asked + 1);
  expect(wire(model.requests.at(-1) ?? {}).said.slice(-2)).toEqual(['Hello there', 'CANARY seven']);
  expect(model.requests.filter(({ body }) => body.messages.at(-1).content === 'CANARY six')).toHaveLength(1);
  expect(log + server.stderr).not.toContain('CANARY');
  expect(log).toContain('"chatId":"coder"');
}, 60_000);

it('a chat with an agent on a socket asks it in the session, and hands its answer to who has asked', async () => {
  await serve();
  const agentId = 'opencode://backend';
  await call('POST', '/sessions', { session_id: 's1' });
  expect((await call('POST', chats, { chat_id: 'c1', agent_id: agentId })).body.chat.partner).toEqual({
    kind: 'agent',
    agent_id: agentId,
  });
  const connect = async () => {
    const url = `${server.url.replace('http', 'ws')}/?agent_id=${agentId}`;
    const socket = await SocketClient.open(url, ['agent-bus.v1'], { headers });
    await socket.type('hello');
    return socket;
  };
  const answer = (request: Frame, payload: unknown) => ({
    message_id: `a_${request.message_id}`,
    sender: { agent_id: agentId, session_id: 's1' },
    recipient: { agent_id: request.sender.agent_id },
    message_type: 'task_response',
    payload,
    metadata: { in_reply_to: request.message_id },
  });
  const agent = await connect();
  const said = say('CANARY one');
  const request = await agent.envelope();
  expect(request).toMatchObject({
    message_type: 'task_request',
    sender: { agent_id: 'chat://c1', session_id: 's1' },
    payload: { task_type: 'chat', chat_id: 'c1', content: 'CANARY one' },
    metadata: { bus: { sender: 'chat://c1' } },
  });
  agent.send(answer(request, { content: 'CANARY, yes.' }));
  expect(await said).toMatchObject({ status: 200, body: { turn_id: request.message_id, content: 'CANARY, yes.' } });

  const streamed = stream('CANARY two');
  agent.send(answer(await agent.envelope(), 'CANARY, no.'));
  const { next } = await streamed;
  expect(await next()).toEqual({ type: 'part', data: { text: 'CANARY, no.' } });
  expect(await next()).toMatchObject({ type: 'reply', data: { content: 'CANARY, no.' } });

  // The agent has the question when the bus dies, and answers after it is back.
  const lost = say('CANARY three');
  lost.catch(() => undefined);
  const open = await agent.envelope();
  await kill();
  await serve();
  expect(await turnsOf()).toEqual(['completed', 'completed', 'interrupted']);
  const back = await connect();
  // It is told that nobody waits, and not asked again.
  const notice = await back.envelope();
  expect(notice).toMatchObject({ message_type: 'status_update', payload: { code: 'TASK_CANCELLED' } });
  expect(notice.metadata.in_reply_to).toBe(open.message_id);
  const late = answer(open, 'CANARY, late.');
  back.send(late);
  await back.receipt(late.message_id);
  expect(back.unread).toEqual([]);
  await expect
    .poll(async () => (await call('GET', `/messages/${late.message_id}`)).body.message.status)
    .toBe('acknowledged');
  expect((await call('GET', '/agents/chat://c1')).body.agent).toMatchObject({ queued: 0, in_flight: 0 });
  expect(await history()).toEqual(['CANARY one', 'CANARY, yes.', 'CANARY two', 'CANARY, no.']);
  expect(server.stderr).not.toContain('CANARY');
}, 60_000);
