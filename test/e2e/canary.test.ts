// Marks in all that is secret, sent through every door in every way that works and many that do not: where they turn up.
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import WebSocket from 'ws';
import { type ServerProcess, startServer } from '../support/server-process.ts';

const key = 'canary-key-of-the-bus';
const wrongKey = 'canary-key-that-is-wrong';
const payload = 'canary-payload';
const mark = /canary-(?:key|payload)[\w-]*/g;

const [backend, frontend] = ['opencode://backend', 'codex://frontend'];
const json = { 'content-type': 'application/json' };
const own = { 'x-agent-api-key': key };

const folder = mkdtempSync(join(tmpdir(), 'agent-bus-canary-'));
let server: ServerProcess;
const tokens: string[] = [];
/** Everything that came back, with what was sent for it. */
const answers: { sent: string; text: string }[] = [];

async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = own,
): Promise<string> {
  const sent = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(server.url + path, {
    method,
    headers: { ...(sent !== undefined && json), ...headers },
    ...(sent !== undefined && { body: sent }),
  });
  const text = await response.text();
  answers.push({ sent: `${path}${sent ?? ''}`, text: JSON.stringify([...response.headers]) + text });
  return text;
}

/** What the server says to these bytes until it closes, or for a moment. */
async function write(bytes: string): Promise<void> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => undefined);
  socket.write(bytes);
  await Promise.race([once(socket, 'close'), once(socket, 'data')]);
  socket.destroy();
  answers.push({ sent: bytes, text });
}

/** Sends frames and waits for as many. */
async function socket(frames: string[], replies: number, protocols: string[], headers: object = own): Promise<void> {
  const ws = new WebSocket(`${server.url.replace('http', 'ws')}/?agent_id=${backend}`, protocols, {
    headers: { ...headers },
  });
  const heard: string[] = [];
  const refused = new Promise<string>((resolve) => {
    ws.once('error', (error) => resolve(error.message));
  });
  ws.on('message', (data) => heard.push(String(data)));
  const opened = await Promise.race([once(ws, 'open').then(() => undefined), refused]);
  if (opened === undefined) {
    for (const frame of frames) ws.send(frame);
    await vi.waitFor(() => expect(heard.length).toBeGreaterThanOrEqual(replies), { timeout: 5_000, interval: 10 });
    ws.close();
    await once(ws, 'close');
  }
  answers.push({ sent: frames.join(''), text: heard.join('') + (opened ?? '') });
}

const envelope = (message_id: string, more: object = {}) => ({
  message_id,
  sender: { agent_id: frontend },
  recipient: { agent_id: backend },
  message_type: 'task_request',
  payload: { secret: payload },
  metadata: { note: payload },
  ...more,
});

async function register(agent_id: string): Promise<void> {
  const descriptor = { agent_id, capabilities: ['work'], metadata: { note: payload }, endpoints: {} };
  const authentication = { type: 'bearer', token: wrongKey };
  const text = await call('POST', '/agents/register', { agent_descriptor: descriptor, authentication });
  const { token } = JSON.parse(text);
  if (token) tokens.push(token);
  answers.pop();
}

/** With an agent that does not answer, and with a model that cannot be reached. */
async function chatInEveryWay(chats: string, id: (name: string) => string): Promise<void> {
  const defaultModel = { provider: 'nobody', model: payload, systemMessage: payload };
  await call('POST', chats, { chat_id: id('c'), name: payload, agent_id: backend });
  await call('POST', chats, { chat_id: id('m'), agent_config: { name: payload, defaultModel } });
  await call('POST', chats, { agent_config: { name: payload, defaultModel: { ...defaultModel, provider: payload } } });
  await call('POST', chats, { template: payload, overrides: { [payload]: payload } });
  for (const name of ['c', 'm', 'none']) {
    const messages = `${chats}/${id(name)}/messages`;
    await call('POST', messages, { content: payload, timeout: '50ms' });
    await call('POST', messages, { content: payload, timeout: '50ms' }, { ...own, accept: 'text/event-stream' });
    await call('POST', messages, { content: payload, timeout: payload });
    await call('POST', messages, `{"content":"${payload}`);
    await call('POST', messages, { content: payload, timeout: '50ms' }, { 'x-agent-api-key': wrongKey });
  }
  await call('GET', chats);
  await call('DELETE', `${chats}/${id('c')}`);
}

async function askInEveryWay(level: string): Promise<void> {
  const id = (name: string) => `${name}_${level}`;
  const session_id = id('s');
  await register(backend);
  await register(frontend);
  await call('POST', '/sessions', {
    session_id,
    orchestrator: frontend,
    participants: [{ agent_id: backend, role: 'worker' }],
    workflow: [{ name: 'work', required_agents: [backend] }],
    shared_context: { note: payload },
  });
  await chatInEveryWay(`/sessions/${session_id}/chats`, id);
  await call('POST', '/sessions', { session_id: id('other'), orchestrator: frontend });
  await call('PATCH', `/sessions/${session_id}/context`, { more: payload });
  const inSession = { sender: { agent_id: frontend, session_id } };
  await call('POST', '/messages/send', envelope(id('m1'), inSession));
  await call('POST', '/messages/send', envelope(id('m1'), { payload: `${payload}-other` }));
  await call('POST', '/messages/send', envelope(id('m2')), { authorization: `Bearer ${tokens[1]}` });
  await call('POST', '/messages/send', envelope(id('m3')), { authorization: `Bearer ${tokens[0]}` });
  await call('POST', '/messages/batch', {
    messages: [envelope(id('m4')), { payload }, envelope(id('m5'), { priority: payload })],
  });
  const now = { timeout: '1ms', delivery_mode: 'sync', retry_policy: { max_retries: 0 } };
  await call('POST', '/messages/send', envelope(id('m6'), { routing: now }));
  for (const body of [
    `{"payload":"${payload}`,
    `"${payload}"`,
    '',
    `{"__proto__":"${payload}"}`,
    { [payload]: 1 },
    [payload],
  ]) {
    await call('POST', '/messages/send', body);
    await call('POST', '/sessions', body);
  }
  await call('POST', '/messages/send', envelope(id('m7'), { payload: payload.repeat(100_000) }));
  await call('POST', '/messages/send', payload, { ...own, 'content-type': 'text/plain' });
  await call('GET', `/agents/${backend}/messages?max=1`);
  await call('POST', `/agents/${backend}/messages/${id('m1')}/nack`, { requeue: false, reason: payload });
  const reply = {
    message_type: 'task_response',
    sender: { agent_id: backend, session_id },
    recipient: { agent_id: frontend },
  };
  await call('POST', '/messages/send', envelope(id('m8'), reply));
  await call('GET', `/sessions/${session_id}/summary`);

  for (const bad of [wrongKey, tokens[0]?.slice(0, -1) ?? '']) {
    await call('GET', '/agents', undefined, { 'x-agent-api-key': bad });
    await call('GET', '/dead-letters', undefined, { authorization: `Bearer ${bad}` });
    await call('GET', '/docs', undefined, { authorization: `Basic ${Buffer.from(`x:${bad}`).toString('base64')}` });
    await socket([], 0, ['agent-bus.v1', `agent-bus.key.${bad}`], {});
    await call('POST', '/messages/send', envelope(id('m9')), { 'x-agent-api-key': bad });
  }
  for (const query of [`key=${key}`, `token=${tokens[0]}`, `api_key=${wrongKey}`]) {
    await call('GET', `/agents?${query}`);
    await call('GET', `/health?${query}`);
    await call('GET', `/nothing/${wrongKey}?${query}`);
  }
  await call('GET', `/${key}`);
  await call('GET', `/sessions/${wrongKey}%00`);
  await call('GET', '/agents', undefined, { ...own, origin: `http://${wrongKey}.example` });
  await call('GET', '/openapi.json');
  await call('GET', '/docs');
  await write(`GET / HTTP/1.1\r\nhost: ${wrongKey}\r\nx-agent-api-key: ${key}\r\n\r\n`);
  await write(`${wrongKey} ${payload}\r\n\r\n`);
  await write(
    `GET /health HTTP/1.1\r\nhost: localhost\r\nx-agent-api-key: ${key}\r\nx: ${wrongKey.repeat(1_000)}\r\n\r\n`,
  );

  const frames = [
    envelope(id('f1')),
    { type: 'nack', message_id: id('f0'), reason: payload },
    { type: payload },
    { payload },
  ];
  await socket([...frames.map((frame) => JSON.stringify(frame)), `{"payload":"${payload}`], 5, ['agent-bus.v1']);
  await socket([`{"payload":"${payload}`, JSON.stringify({ payload })], 2, [`agent-bus.key.${key}`], {});
  await call('POST', `/sessions/${session_id}/terminate`, { reason: 'enough', details: { note: payload } });
  await call('DELETE', `/agents/${frontend}`);
}

/** Of each other agent and session, what one reads who has nothing to do with the payloads. */
const foreign: string[] = [];

async function run(level: string): Promise<string> {
  server = await startServer(
    [
      '--persistence-enabled',
      '--data-dir',
      join(folder, level),
      '--log-level',
      level,
      '--offline-grace',
      '1ms',
      '--providers',
      '{"nobody":{"kind":"openai-compatible","baseURL":"http://127.0.0.1:1/v1"}}',
    ],
    { env: { AGENT_BUS_API_KEY: key } },
  );
  await askInEveryWay(level);
  for (const path of [
    `/sessions/other_${level}/events`,
    `/sessions/other_${level}/messages`,
    '/metrics',
    '/health',
    '/ready',
    '/audit?limit=1000',
  ]) {
    foreign.push(await call('GET', path));
  }
  server.kill('SIGTERM');
  await server.exited;
  return server.stdout + server.stderr;
}

function filesIn(path: string): string[] {
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
}

describe('a canary', () => {
  const logs: Record<string, string> = {};
  beforeAll(async () => {
    // At `debug` each request is logged, and the fast lane is closed; at `info` it is open.
    for (const level of ['trace', 'info']) logs[level] = await run(level);
  }, 60_000);
  afterAll(async () => {
    server.kill('SIGKILL');
    await server.exited;
    rmSync(folder, { recursive: true });
  });

  const secrets = () => [key, wrongKey, ...tokens, ...tokens.map((token) => token.slice(0, -1))];

  it('was sent, and answered, in many ways', () => {
    expect(answers.length).toBeGreaterThan(120);
    const codes = new Set(answers.flatMap(({ text }) => text.match(/(?<="code":")[A-Z_]+/g) ?? []));
    expect([...codes]).toEqual(
      expect.arrayContaining([
        ...['MALFORMED_JSON', 'VALIDATION_FAILED', 'KEY_IN_QUERY', 'BAD_REQUEST', 'UNAUTHORIZED', 'SENDER_FORBIDDEN'],
        ...['ORIGIN_NOT_ALLOWED', 'ROUTE_NOT_FOUND', 'MESSAGE_NOT_FOUND', 'MESSAGE_ID_CONFLICT', 'PAYLOAD_TOO_LARGE'],
        ...['UNSUPPORTED_MEDIA_TYPE', 'HOST_NOT_ALLOWED', 'HEADERS_TOO_LARGE', 'REPLY_TIMEOUT'],
        ...['CHAT_TIMEOUT', 'PROVIDER_UNREACHABLE', 'CHAT_NOT_FOUND'],
      ]),
    );
    expect(tokens.length).toBeGreaterThanOrEqual(4);
  });

  it.each(['trace', 'info'])('stands in no line of the log at %s, each of which is JSON', (level) => {
    const log = logs[level] ?? '';
    const lines = log.split('\n').filter((line) => line.startsWith('{'));
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ level: expect.any(Number) });
    expect(lines.length).toBeGreaterThan(level === 'trace' ? 60 : 3);
    expect(log.match(mark)).toBeNull();
    for (const secret of secrets()) expect(log).not.toContain(secret);
  });

  it('comes back in no answer, but a payload to whom it concerns', () => {
    for (const { sent, text } of answers) {
      for (const secret of secrets()) expect(text, sent).not.toContain(secret);
      const isRefusal = text.includes('"success":false') && !text.includes('"items"');
      // A refusal may name the unknown field that was sent.
      if (isRefusal)
        expect(
          text.replaceAll(/unknown field \\*"canary-payload\\*"|\/canary-payload/g, '').match(mark),
          text,
        ).toBeNull();
    }
  });

  it('is in no metric, and in no events or messages of another session', () => {
    expect(foreign).toHaveLength(12);
    for (const text of foreign) expect(text.match(mark), text).toBeNull();
  });

  it('is in no file, but a payload in the store', () => {
    const files = ['trace', 'info'].flatMap((level) => filesIn(join(folder, level)));
    expect(files.some((text) => text.includes(payload))).toBe(true);
    for (const text of files) for (const secret of secrets()) expect(text.includes(secret), secret).toBe(false);
  });
});
