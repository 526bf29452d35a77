// Chats with agents of the bus: the task of a turn ends with it, and the turn with its task.
import { describe, expect, it } from 'vitest';
import { parseDuration } from '../../src/protocol/durations.ts';
import type { SessionEvent } from '../../src/protocol/types.gen.ts';
import { backend, orchestrator, startBus } from '../support/running-bus.ts';
import type { SocketClient } from '../support/socket-client.ts';
import { refused } from './session-setup.ts';

async function setUp() {
  const one = await startBus();
  const sessions = one.bus.sessionManager;
  const sessionId = sessions.createSession(orchestrator);
  const agent = await one.connect(backend);
  const chatId = await sessions.createChat(sessionId, { chatId: 'chat_1', agentId: backend });
  const chat = sessions.getChat(chatId) ?? expect.unreachable();
  const tasks = () => sessions.listTasks(sessionId).items.map(({ status }) => status);
  const ended = async () => {
    await sessions.settled(sessionId);
    const events = await sessions.readEvents(sessionId, 0, 1000);
    return events.flatMap(({ type, data }) => (type === 'chat_turn_ended' ? [data] : []));
  };
  return { ...one, sessions, sessionId, agent, chat, tasks, ended };
}

type Request = {
  message_id: string;
  sender: { agent_id: string; session_id: string };
  routing: { timeout: string };
};

const asked = (agent: SocketClient): Promise<Request> =>
  agent.next(({ message_type: type }) => type === 'task_request');
const cancelled = (agent: SocketClient) => agent.next(({ payload }) => payload?.code === 'TASK_CANCELLED');

const answer = (to: Request, payload: unknown, message_type = 'task_response') => ({
  message_type,
  message_id: `re_${to.message_id}`,
  sender: { agent_id: backend, session_id: to.sender.session_id },
  recipient: { agent_id: to.sender.agent_id },
  payload,
  metadata: { in_reply_to: to.message_id },
});

describe('a turn with an agent of the bus', () => {
  it('is a task of the session, and its response the reply', async () => {
    const { agent, chat, tasks, ended } = await setUp();
    const said = chat.sendMessage('Hello!');
    const request = await asked(agent);
    expect(request).toMatchObject({ payload: { content: 'Hello!', chat_id: 'chat_1' } });
    agent.send(answer(request, { content: 'Hi.' }));
    expect(await said).toBe('Hi.');
    expect(tasks()).toEqual(['completed']);
    expect(await ended()).toMatchObject([{ status: 'completed', content: 'Hi.' }]);
  });

  it('that nobody waits for any more takes its task along, and the agent is told', async () => {
    const { agent, chat, tasks, ended } = await setUp();
    const abort = new AbortController();
    const said = chat.sendMessage('Hello!', { signal: abort.signal });
    said.catch(() => undefined);
    const request = await asked(agent);
    abort.abort();
    await expect(said).rejects.toEqual(refused('CHAT_ABORTED'));
    expect(tasks()).toEqual(['cancelled']);
    expect(await cancelled(agent)).toMatchObject({ payload: { task_id: request.message_id } });
    expect(await ended()).toMatchObject([{ status: 'aborted' }]);
  });

  it('that was answered too late changes nothing, and its answer is not the reply of the next one', async () => {
    const { agent, chat, sessions, sessionId, tasks } = await setUp();
    const first = chat.sendMessage('1', { timeoutMs: 50 });
    first.catch(() => undefined);
    const late = await asked(agent);
    await expect(first).rejects.toEqual(refused('CHAT_TIMEOUT'));
    const second = chat.sendMessage('2');
    const inTime = await asked(agent);
    agent.send(answer(late, 'to 1'));
    await agent.receipt(answer(late, '').message_id);
    agent.send(answer(inTime, 'to 2'));
    expect(await second).toBe('to 2');
    expect(chat.getHistory().map(({ content }) => content)).toEqual(['2', 'to 2']);
    expect(tasks()).toEqual(['cancelled', 'completed']);
    await sessions.settled(sessionId);
    const events = await sessions.readEvents(sessionId, 0, 1000);
    expect(events.filter(({ type }) => type === 'task_answered_late')).toHaveLength(1);
  });

  it('goes on waiting where the agent answers somebody else, and has what is then said to the chat', async () => {
    const { agent, chat, tasks } = await setUp();
    const said = chat.sendMessage('Hello!');
    const request = await asked(agent);
    const astray = { ...answer(request, 'Hi, lead.'), message_id: 'astray', recipient: { agent_id: orchestrator } };
    const metadata = { in_reply_to: request.message_id, task_id: request.message_id };
    agent.send({ ...astray, metadata });
    await agent.receipt('astray');
    expect(tasks()).toEqual(['pending']);
    agent.send(answer(request, 'Hi.'));
    expect(await said).toBe('Hi.');
    expect(tasks()).toEqual(['completed']);
  });

  it('completes its task, and tells nobody of a cancelled one, where the agent answers outside of the session', async () => {
    const { agent, chat, sessions, sessionId, ended } = await setUp();
    const said = chat.sendMessage('Hello!');
    const request = await asked(agent);
    agent.send({ ...answer(request, { content: 'Hi.' }), sender: { agent_id: backend } });
    expect(await said).toBe('Hi.');
    expect(await ended()).toMatchObject([{ status: 'completed', content: 'Hi.' }]);
    expect(sessions.listTasks(sessionId).items).toMatchObject([{ status: 'completed', result: 'Hi.' }]);
  });

  it('is refused once the agent has left the session, before it is asked anything', async () => {
    const { agent, chat, sessions, sessionId, tasks, ended } = await setUp();
    sessions.removeParticipant(sessionId, backend);
    await expect(chat.sendMessage('Hello!')).rejects.toEqual(refused('NOT_A_PARTICIPANT'));
    const narrating = sessions.narrateSummary(sessionId, chat.id);
    await expect(narrating).rejects.toEqual(refused('NOT_A_PARTICIPANT'));
    expect(tasks()).toEqual([]);
    expect(await ended()).toEqual([]);
    sessions.addParticipant(sessionId, { agent_id: backend });
    const said = chat.sendMessage('Are you back?');
    agent.send(answer(await asked(agent), 'Yes.'));
    expect(await said).toBe('Yes.');
  });

  it('is ended by its own limit: its request lives longer', async () => {
    const { agent, chat } = await setUp();
    const said = chat.sendMessage('Hello!', { timeoutMs: 2_000 });
    const request = await asked(agent);
    expect(parseDuration(request.routing.timeout)).toBeGreaterThan(2_000);
    agent.send(answer(request, 'Hi.'));
    expect(await said).toBe('Hi.');
  });

  it('fails when the agent answers with an error', async () => {
    const { agent, chat, tasks, ended } = await setUp();
    const said = chat.sendMessage('Hello!');
    said.catch(() => undefined);
    agent.send(answer(await asked(agent), { why: 'sk-canary' }, 'error'));
    await expect(said).rejects.toEqual(refused('CHAT_AGENT_FAILED'));
    expect(tasks()).toEqual(['failed']);
    expect(await ended()).toMatchObject([{ status: 'failed', error: { code: 'CHAT_AGENT_FAILED' } }]);
    expect(JSON.stringify(await ended())).not.toContain('sk-canary');
  });

  it('fails at once when the agent gives it up, or leaves the session', async () => {
    const { agent, chat, sessions, sessionId, tasks } = await setUp();
    const first = chat.sendMessage('1');
    first.catch(() => undefined);
    const { message_id } = await asked(agent);
    agent.send({ type: 'nack', message_id, requeue: false });
    await expect(first).rejects.toEqual(refused('CHAT_AGENT_FAILED'));
    const second = chat.sendMessage('2');
    second.catch(() => undefined);
    await asked(agent);
    sessions.removeParticipant(sessionId, backend);
    await expect(second).rejects.toEqual(refused('CHAT_AGENT_FAILED'));
    expect(tasks()).toEqual(['failed', 'cancelled']);
  });

  it('is told of in the order in which all of it was recorded', async () => {
    const { agent, chat, sessions, sessionId } = await setUp();
    const said = chat.sendMessage('Hello!');
    said.catch(() => undefined);
    await asked(agent);
    const types = ['participant_removed', 'task_updated', 'chat_turn_ended'] as const;
    const told: string[] = [];
    for (const type of types) sessions.on(type, ({ event }: { event: SessionEvent }) => told.push(event.type));
    sessions.removeParticipant(sessionId, backend);
    await expect(said).rejects.toEqual(refused('CHAT_AGENT_FAILED'));
    await sessions.settled(sessionId);
    const recorded = (await sessions.readEvents(sessionId, 0, 100)).map(({ type }) => type);
    expect(told).toEqual(types);
    expect(recorded.slice(-types.length)).toEqual(types);
  });

  it('apart from the conversation fails at once when the agent gives it up', async () => {
    const { agent, sessions, sessionId } = await setUp();
    const prose = sessions.narrateSummary(sessionId, 'chat_1');
    prose.catch(() => undefined);
    const { message_id } = await asked(agent);
    agent.send({ type: 'nack', message_id, requeue: false });
    await expect(prose).rejects.toEqual(refused('CHAT_AGENT_FAILED'));
  });

  it.each([
    ['the chat', 'CHAT_NOT_FOUND', ({ sessions, chat }: House) => sessions.deleteChat(chat.id)],
    ['the session', 'SESSION_ENDED', ({ sessions, sessionId }: House) => sessions.completeSession(sessionId)],
    ['the bus', 'SHUTTING_DOWN', ({ bus }: House) => void bus.stop()],
  ])('ends with %s: %s', async (what, code, end) => {
    const house = await setUp();
    const { agent, chat, tasks, sessions } = house;
    const said = chat.sendMessage('Hello!');
    said.catch(() => undefined);
    const waits = chat.sendMessage('And I?');
    waits.catch(() => undefined);
    await asked(agent);
    end(house);
    await expect(said).rejects.toEqual(refused(code));
    await expect(waits).rejects.toEqual(refused(code));
    if (what === 'the bus') return;
    expect(tasks()).toEqual(['cancelled']);
    await cancelled(agent);
    expect(sessions.getChat('chat_1')?.describe().state).toBe(what === 'the chat' ? undefined : 'idle');
  });
});

type House = Awaited<ReturnType<typeof setUp>>;
