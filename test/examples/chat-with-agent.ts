// A chat with an agent of the bus: each question is a `task_request` over the agent's socket, its response the reply.
import { once } from 'node:events';
import { CommunicationBus } from '@vibes/agent-communication-bus';
import WebSocket from 'ws';

const bus = new CommunicationBus({ port: 0, apiKey: 'dev-key', logLevel: 'warn' });
const { port } = await bus.start();

// The agent, which may be a process on another machine
const agent_id = 'codex://reviewer';
const socket = new WebSocket(`ws://127.0.0.1:${port}/?agent_id=${agent_id}`, 'agent-bus.v1', {
  headers: { 'x-agent-api-key': 'dev-key' },
});
socket.on('message', (data) => {
  const envelope = JSON.parse(String(data));
  if (envelope.message_type !== 'task_request') return;
  const { content, chat_id } = envelope.payload;
  console.log(`The agent is asked in ${chat_id}: ${content}`);
  socket.send(
    JSON.stringify({
      sender: { agent_id, session_id: envelope.sender.session_id },
      recipient: { agent_id: envelope.sender.agent_id },
      message_type: 'task_response',
      payload: { content: `${content.length} characters, none of them wrong.` },
      metadata: { in_reply_to: envelope.message_id },
    }),
  );
});
await once(socket, 'open');

const sessions = bus.sessionManager;
const sessionId = sessions.createSession({ name: 'Review' });
await sessions.createChat(sessionId, { chatId: 'chat_review', name: 'Reviewer', agentId: agent_id });

const chat = sessions.getActiveChat(sessionId);
for (const question of ['Is this right: 1 + 1 = 2?', 'And this: 2 + 2 = 4?']) {
  console.log(`${chat.name}: ${await chat.sendMessage(question, { timeoutMs: 10_000 })}`);
}

for (const { task_type, delegatee, status } of sessions.listTasks(sessionId).items) {
  console.log(`${task_type} of ${delegatee}: ${status}`);
}
console.log('Messages:', chat.getHistory().length);

socket.close();
await bus.stop();
