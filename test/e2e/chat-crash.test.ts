// A bus that is killed in the middle of turns of chats, and one that goes on with its data.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { startModelServer } from '../support/model-server.ts';
import { backend, envelope, key, orchestrator, startBus, v1 } from '../support/running-bus.ts';
import { CliProcess, packageRoot } from '../support/server-process.ts';
import { type Frame, SocketClient } from '../support/socket-client.ts';

const sessionId = 'sess_1';
const chatId = 'chat_1';

/** The built bus with a chat, in a process of its own; what is said in it goes to stdin, a line each. */
const program = `
  import { createInterface } from 'node:readline';
  import { CommunicationBus } from '${packageRoot}dist/index.js';
  const { config, chat } = JSON.parse(process.argv[1]);
  const bus = new CommunicationBus(config);
  const { url } = await bus.start();
  const sessions = bus.sessionManager;
  sessions.createSession({ sessionId: '${sessionId}', orchestrator: '${orchestrator}' });
  await sessions.createChat('${sessionId}', { chatId: '${chatId}', ...chat });
  const instance = sessions.getChat('${chatId}');
  console.log('listens on ' + url);
  for await (const line of createInterface({ input: process.stdin })) {
    instance.sendMessage(line).then((reply) => console.log('reply ' + reply));
  }
`;

async function startChatting(chat: object, more: object = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), 'agent-bus-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const config = { port: 0, apiKey: key, logLevel: 'error', persistenceEnabled: true, dataDir, ...more };
  const command = [process.execPath, '--input-type=module', '-e', program];
  const child = new CliProcess([JSON.stringify({ config, chat })], { command });
  onTestFinished(() => child.kill('SIGKILL'));
  const [, url = ''] = await child.printed(/listens on http(\S+)\n/);
  return { child, url: `ws${url}`, config };
}

/** Starts on what is left, and says how the turns of the chat ended so far. */
async function goOn(config: object) {
  const one = await startBus(config);
  const sessions = one.bus.sessionManager;
  const turns = async () => {
    await sessions.settled(sessionId);
    const events = await sessions.readEvents(sessionId, 0, 1000);
    return events.flatMap(({ type, data }) => (type === 'chat_turn_ended' ? [data.status] : []));
  };
  const tasks = () => sessions.listTasks(sessionId).items.map(({ status }) => status);
  return { ...one, sessions, chat: sessions.getChat(chatId) ?? expect.unreachable(), turns, tasks };
}

it('a turn with a model is interrupted by a crash, once, and nothing is sent a second time', async () => {
  const server = await startModelServer();
  const providers = { local: { kind: 'openai-compatible', baseURL: server.baseURL } };
  const agent_config = {
    name: 'Coder',
    defaultModel: { provider: 'local', model: 'small', systemMessage: 'Be brief.' },
  };
  const { child, config } = await startChatting({ agentConfig: agent_config }, { providers });
  child.write('Hello!\n');
  await child.printed(/reply Hello there\n/);
  server.order({ do: 'hang' });
  child.write('Still there?\nAnd I wait.\n');
  await server.request();
  await server.request();
  child.kill('SIGKILL');
  await child.exited;

  const first = await goOn(config);
  expect(first.chat.describe()).toMatchObject({ state: 'idle', turns: 1 });
  expect(await first.turns()).toEqual(['completed', 'interrupted']);
  await first.bus.stop();
  const second = await goOn(config);
  expect(await second.turns()).toEqual(['completed', 'interrupted']);
  expect(server.requests).toHaveLength(2);
  expect(await second.chat.sendMessage('And now?')).toBe('Hello there');
  expect(server.requests).toHaveLength(3);
  expect(server.requests[2]?.body.messages).toEqual([
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Hello!' },
    { role: 'assistant', content: 'Hello there' },
    { role: 'user', content: 'And now?' },
  ]);
});

it('a turn with an agent takes its task along in a crash, and a late answer is the reply of no other', async () => {
  const { child, url, config } = await startChatting({ agentId: backend });
  const headers = { 'x-agent-api-key': key };
  const before = await SocketClient.open(`${url}/?agent_id=${backend}`, [v1], { headers });
  child.write('1\n');
  const late = await before.next(({ message_type }) => message_type === 'task_request');
  child.kill('SIGKILL');
  await child.exited;

  const { connect, sessions, chat, turns, tasks } = await goOn(config);
  expect(await turns()).toEqual(['interrupted']);
  expect(tasks()).toEqual(['cancelled']);
  const agent = await connect(backend);
  const told = await agent.next(({ payload }) => payload?.code === 'TASK_CANCELLED');
  expect(told.payload.task_id).toBe(late.message_id);
  const answer = (to: typeof late, payload: string) =>
    envelope(`re_${to.message_id}`, backend, to.sender.agent_id, {
      message_type: 'task_response',
      sender: { agent_id: backend, session_id: sessionId },
      metadata: { in_reply_to: to.message_id },
      payload,
    });
  const second = chat.sendMessage('2');
  const request = await agent.next(({ message_type }) => message_type === 'task_request');
  expect(request.payload.content).toBe('2');
  agent.send(answer(late, 'to 1'));
  await agent.receipt(`re_${late.message_id}`);
  agent.send(answer(request, 'to 2'));
  expect(await second).toBe('to 2');
  expect(chat.getHistory().map(({ content }) => content)).toEqual(['2', 'to 2']);
  expect(tasks()).toEqual(['cancelled', 'completed']);
  expect(await turns()).toEqual(['interrupted', 'completed']);
  const types = (await sessions.readEvents(sessionId, 0, 1000)).map(({ type }) => type);
  expect(types.filter((type) => type === 'task_answered_late')).toHaveLength(1);
});

it('what an agent was asked and not yet given before a crash it is never given', async () => {
  const { child, url, config } = await startChatting({ agentId: backend });
  child.write('1\n');
  // The events that are told of are on disk; what is queued is counted before it is.
  const asked = async () => {
    const response = await fetch(`${url.replace('ws', 'http')}/sessions/${sessionId}/events`, {
      headers: { 'x-agent-api-key': key },
    });
    return response.ok && ((await response.json()) as Frame).items.some(({ type }: Frame) => type === 'task_delegated');
  };
  while (!(await asked()));
  child.kill('SIGKILL');
  await child.exited;
  const { connect, chat, tasks } = await goOn(config);
  expect(tasks()).toEqual(['cancelled']);
  const agent = await connect(backend);
  const second = chat.sendMessage('2');
  const request = await agent.next(({ message_type }) => message_type === 'task_request');
  expect(request.payload.content).toBe('2');
  agent.send(
    envelope('r2', backend, request.sender.agent_id, {
      message_type: 'task_response',
      sender: { agent_id: backend, session_id: sessionId },
      payload: 'to 2',
    }),
  );
  expect(await second).toBe('to 2');
});
