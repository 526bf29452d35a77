// Chats with agents of the bus: who may be asked, under which name, and what becomes of mail for a chat.
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createChatMail } from '../../src/bus/chat-agents.ts';
import { createCounters } from '../../src/bus/counters.ts';
import type { SessionsView } from '../../src/bus/sessions-view.ts';
import { BusError } from '../../src/protocol/errors.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { newMessage } from '../support/new-message.ts';
import {
  backend,
  envelope,
  frontend,
  noRetries,
  orchestrator,
  type RunningBus,
  startBus,
  waiting,
} from '../support/running-bus.ts';
import type { Frame } from '../support/socket-client.ts';

const chatAgent = 'chat://c1';
const refused = (code: string) => expect.objectContaining({ constructor: BusError, code });

const registerFor = (bus: RunningBus, agent_id: string, user_id?: string) =>
  bus.call('POST', '/agents/register', { agent_descriptor: { agent_id, capabilities: [] }, user_id });

/** A session of the user, with the chat c1 with the backend agent. */
async function setUp(userId?: string) {
  const bus = await startBus();
  await registerFor(bus, backend, userId);
  const sessions = bus.bus.sessionManager;
  const sessionId = sessions.createSession({
    ...(userId !== undefined && { userId }),
    orchestrator,
    participants: [{ agent_id: backend }],
    workflow: [{ name: 'build', required_agents: [backend] }],
  });
  await sessions.createChat(sessionId, { chatId: 'c1', agentId: backend });
  return { bus, sessions, sessionId };
}

const say = (sessions: SessionsView, content: string, timeoutMs?: number) =>
  sessions.getActiveChat(sessions.listSessions().items[0]?.session_id ?? '').sendMessage(content, { timeoutMs });

const answer = (request: Frame, message_type: string, payload: unknown, more: object = {}) => ({
  message_id: `a_${request.message_id}`,
  sender: { agent_id: backend, session_id: request.sender.session_id },
  recipient: { agent_id: request.sender.agent_id },
  message_type,
  payload,
  metadata: { in_reply_to: request.message_id },
  ...more,
});

describe('a chat with an agent', () => {
  it('asks under its own name, for no step, and hands over what the agent answers', async () => {
    const { bus, sessions, sessionId } = await setUp('user-a');
    const agent = await bus.connect(backend);
    const said = say(sessions, 'Hello!');
    const request = await agent.envelope();
    expect(request).toMatchObject({
      sender: { agent_id: chatAgent, session_id: sessionId },
      message_type: 'task_request',
      payload: { task_type: 'chat', chat_id: 'c1', content: 'Hello!' },
      metadata: { bus: { sender: chatAgent, workspace_id: 'default', hop: 1 } },
    });
    agent.send(answer(request, 'task_response', { content: 'Hi.' }));
    expect(await said).toBe('Hi.');
    expect(sessions.listTasks(sessionId).items).toMatchObject([{ step: null, status: 'completed' }]);
    expect(sessions.getSession(sessionId)?.workflow.current_step).toBe('build');
    // The next one is in the same name, which is neither listed nor kept.
    const again = say(sessions, 'And now?');
    agent.send(answer(await agent.envelope(), 'task_response', 'Bye.'));
    expect(await again).toBe('Bye.');
    expect((await bus.call('GET', '/agents')).body.items.map((one: Frame) => one.agent_id)).toEqual([backend]);
  });

  it("takes any agent that is nobody else's, also one that is not there yet", async () => {
    const { bus, sessions } = await setUp('user-a');
    const sessionId = sessions.createSession({ userId: 'user-a' });
    await sessions.createChat(sessionId, { chatId: 'c2', agentId: frontend });
    expect(sessions.getSession(sessionId)?.participants.map((one) => one.agent_id)).toEqual(['chat://c2', frontend]);
    const said = sessions.getActiveChat(sessionId).sendMessage('Hello!');
    const agent = await bus.connect(frontend);
    agent.send(
      answer(await agent.envelope(), 'task_response', 'Here.', {
        sender: { agent_id: frontend, session_id: sessionId },
      }),
    );
    expect(await said).toBe('Here.');
  });

  it('is refused with the agent of another user like with one that there is not, when it is made and at every turn', async () => {
    const { bus, sessions, sessionId } = await setUp('user-a');
    await registerFor(bus, frontend, 'user-b');
    const foreign = sessions.createChat(sessionId, { agentId: frontend });
    await expect(foreign).rejects.toEqual(refused('AGENT_NOT_FOUND'));
    expect(sessions.getSessionChats(sessionId)).toHaveLength(1);
    // Another user takes the name.
    await bus.call('DELETE', `/agents/${backend}`);
    await registerFor(bus, backend, 'user-b');
    await expect(say(sessions, 'Hello!')).rejects.toEqual(refused('AGENT_NOT_FOUND'));
    await expect(sessions.narrateSummary(sessionId, 'c1')).rejects.toEqual(refused('AGENT_NOT_FOUND'));
    expect(sessions.getActiveChat(sessionId).getHistory()).toEqual([]);
    expect((await bus.agent(backend)).queued).toBe(0);
    // A session of nobody is the workspace's, whose key may write to all.
    const open = sessions.createSession({});
    await expect(sessions.createChat(open, { agentId: frontend })).resolves.toMatch(/^chat_/);
  });

  it('is refused with the bus itself and with a chat', async () => {
    const { sessions, sessionId } = await setUp();
    for (const agentId of ['bus://agent-bus', chatAgent, 'chat://other']) {
      await expect(sessions.createChat(sessionId, { agentId })).rejects.toEqual(refused('FORBIDDEN'));
    }
    const both = { agentId: backend, overrides: { name: 'Mine' } };
    await expect(sessions.createChat(sessionId, both)).rejects.toEqual(refused('VALIDATION_FAILED'));
  });

  it('is held to the contact policy of its agent', async () => {
    const { bus, sessions } = await setUp();
    const descriptor = { agent_id: backend, capabilities: [] };
    await bus.call('POST', '/agents/register', { agent_descriptor: descriptor, contact: { list: [orchestrator] } });
    await expect(say(sessions, 'Hello!')).rejects.toEqual(refused('CONTACT_REFUSED'));
    await bus.call('POST', '/agents/register', { agent_descriptor: descriptor, contact: 'session' });
    const agent = await bus.connect(backend);
    const said = say(sessions, 'Hello!');
    agent.send(answer(await agent.envelope(), 'task_response', 'Hi.'));
    expect(await said).toBe('Hi.');
  });

  it.each([
    [
      'answers with an error',
      (agent: Frame, request: Frame) => agent.send(answer(request, 'error', { reason: 'busy' })),
    ],
    [
      'gives the question back for good',
      (agent: Frame, { message_id }: Frame) => agent.send({ type: 'nack', message_id, requeue: false }),
    ],
  ])('says at once that its agent %s', async (_how, refuse) => {
    const { bus, sessions } = await setUp();
    const agent = await bus.connect(backend);
    const said = say(sessions, 'Hello!');
    said.catch(() => undefined);
    refuse(agent, await agent.envelope());
    await expect(said).rejects.toEqual(refused('CHAT_AGENT_FAILED'));
    // The next turn works.
    const again = say(sessions, 'Again!');
    agent.send(answer(await agent.envelope(), 'task_response', 'Hi.'));
    expect(await again).toBe('Hi.');
  });
});

describe('mail to a chat', () => {
  it('that comes too late is on record in the session, and lies in no mailbox', async () => {
    const { bus, sessions, sessionId } = await setUp();
    const agent = await bus.connect(backend);
    await expect(say(sessions, 'Hello!', 50)).rejects.toEqual(refused('CHAT_TIMEOUT'));
    const request = await agent.envelope();
    agent.send(answer(request, 'task_response', 'Too late.'));
    expect((await agent.receipt(`a_${request.message_id}`)).recipient).toMatchObject({ agent_id: chatAgent });
    await bus.untilStatus(`a_${request.message_id}`, 'acknowledged');
    expect(await bus.agent(chatAgent)).toMatchObject({ queued: 0, in_flight: 0 });
    const events = await sessions.readEvents(sessionId, 0, 100);
    expect(events.map(({ type }) => type)).toContain('task_answered_late');
    expect(sessions.getActiveChat(sessionId).getHistory()).toEqual([]);
  });

  it('is settled to the end, however large it is', async () => {
    const { mailboxes, close } = createMemoryStore();
    onTestFinished(() => close());
    const counters = createCounters();
    const settle = createChatMail({ mailboxes, counters, newId: (kind) => `${kind}_1` });
    const large = { mailbox: chatAgent, bytes: Buffer.alloc(700_000, 'x') };
    await Promise.all(['m1', 'm2', 'm3', 'm4', 'm5'].map((id) => mailboxes.enqueue(newMessage(id, large))));
    await settle(chatAgent);
    expect(mailboxes.stats(chatAgent)).toEqual({ queued: 0, inFlight: 0 });
    expect(counters).toMatchObject({ offered: 5, acknowledged: 5 });
  });

  it('of other kinds is settled unread, and the turn goes on', async () => {
    const { bus, sessions, sessionId } = await setUp();
    const agent = await bus.connect(backend);
    const said = say(sessions, 'Hello!');
    const request = await agent.envelope();
    agent.send(answer(request, 'status_update', 'Thinking.', { message_id: 's1' }));
    await bus.untilStatus('s1', 'acknowledged');
    expect(sessions.listTasks(sessionId).items).toMatchObject([{ status: 'in_progress' }]);
    agent.send(answer(request, 'task_response', 'Hi.'));
    expect(await said).toBe('Hi.');
  });

  it('that nobody could deliver is not told of: the turn is over by its time', async () => {
    const { bus, sessions } = await setUp();
    await expect(say(sessions, 'Hello!', 50)).rejects.toEqual(refused('CHAT_TIMEOUT'));
    await vi.waitFor(async () => expect((await bus.call('GET', '/dead-letters')).body.items).toHaveLength(1), waiting);
    expect(await bus.agent(chatAgent)).toMatchObject({ queued: 0, in_flight: 0 });
  });

  it('is no request, and no fallback and no broadcast goes there', async () => {
    const { bus, sessionId } = await setUp();
    await registerFor(bus, frontend);
    const code = async (sent: unknown) => (await bus.send(sent)).body.code;
    expect(await code(envelope('m1', orchestrator, chatAgent))).toBe('CONTACT_REFUSED');
    expect(await code(envelope('m2', orchestrator, 'chat://none'))).toBe('CONTACT_REFUSED');
    const detour = { routing: { fallback_agents: [frontend, chatAgent], ...noRetries } };
    expect(await code(envelope('m3', orchestrator, backend, detour))).toBe('CONTACT_REFUSED');
    const { body } = await bus.send(
      envelope('m4', orchestrator, '', { sender: { agent_id: orchestrator }, recipient: { session_id: sessionId } }),
    );
    expect(body.recipients.map((one: Frame) => one.agent_id)).toEqual([backend]);
  });
});

describe('the name of a chat', () => {
  it('may be taken by nobody else, whether there is such a chat or not', async () => {
    const { bus, sessions, sessionId } = await setUp('user-a');
    const socket = await bus.connect(frontend);
    for (const agent_id of [chatAgent, 'chat://none']) {
      const { body: made } = await bus.call('POST', '/keys', { workspace_id: 'default', agent_id });
      for (const key of ['bus-key', made.secret]) {
        const answers = [
          await bus.call('POST', '/agents/register', { agent_descriptor: { agent_id, capabilities: [] } }, key),
          await bus.call('GET', `/agents/${agent_id}/messages`, undefined, key),
          await bus.call('POST', `/agents/${agent_id}/messages/m1/ack`, undefined, key),
          await bus.call('DELETE', `/agents/${agent_id}`, undefined, key),
        ];
        for (const { status, body } of answers)
          expect({ status, code: body.code }).toEqual({ status: 403, code: 'FORBIDDEN' });
        const sent = await bus.send(
          envelope('m1', agent_id, backend, { sender: { agent_id, session_id: sessionId } }),
          key,
        );
        expect(sent).toMatchObject({ status: 403, body: { code: 'SENDER_FORBIDDEN' } });
        await expect(bus.connect(agent_id, { key })).rejects.toMatchObject({
          status: 403,
          body: { code: 'FORBIDDEN' },
        });
      }
      socket.send(envelope('m2', agent_id, backend));
      expect(await socket.type('rejected')).toMatchObject({ message_id: 'm2', code: 'SENDER_FORBIDDEN' });
      expect(() => sessions.addParticipant(sessionId, { agent_id })).toThrow(refused('FORBIDDEN'));
      expect(() => sessions.removeParticipant(sessionId, agent_id)).toThrow(refused('FORBIDDEN'));
      expect(() => sessions.createSession(agent_id)).toThrow(refused('FORBIDDEN'));
      expect(() => sessions.createSession({ participants: [{ agent_id }] })).toThrow(refused('FORBIDDEN'));
    }
  });
});
