// Workspaces and AI agents in them: `npm run build`, then `OPENAI_API_KEY=sk-... node test/examples/basic-session-usage.mjs`.
// OPENAI_BASE_URL names another server with the same API, such as Ollama's http://127.0.0.1:11434/v1.
// JavaScript: it uses what `getChat` returns without asking whether the chat is there, which strict TypeScript refuses.
import { SessionManager } from '@vibes/agent-communication-bus';
import { OpenAIProvider } from '@vibes/agent-communication-bus/providers';

const baseURL = process.env.OPENAI_BASE_URL;

// Create a session manager
const sessionManager = new SessionManager({
  maxSessions: 10,
  maxChatsPerSession: 5,
  enableWorkspaceIsolation: true,
});

// Create a session (workspace)
const sessionId = sessionManager.createSession({
  name: 'Development Workspace',
  userId: 'developer-123',
  workspaceId: 'workspace-dev',
});

// Create an AI agent in the session
const chatId = await sessionManager.createChat(sessionId, {
  name: 'Coding Assistant',
  agentConfig: {
    name: 'Coding Assistant',
    aiProviders: [new OpenAIProvider({ apiKey: process.env.OPENAI_API_KEY, baseURL })],
    defaultModel: {
      provider: 'openai',
      model: 'gpt-4',
      systemMessage: 'You are a helpful coding assistant.',
    },
  },
});

// Switch to the agent and start chatting
sessionManager.switchChat(sessionId, chatId);
const chat = sessionManager.getChat(chatId);
const response = await chat.sendMessage('Hello! Can you help me with TypeScript?');

console.log('Coding Assistant:', response);

// 1. Multiple sessions

// Create different workspaces for different purposes
const devSession = sessionManager.createSession({
  name: 'Development',
  workspaceId: 'workspace-dev',
});

const researchSession = sessionManager.createSession({
  name: 'Research',
  workspaceId: 'workspace-research',
});

for (const id of [sessionId, devSession, researchSession]) {
  const { name, workspace_id } = sessionManager.getSession(id);
  console.log('Session:', name, 'in', workspace_id);
}

// 2. Multiple AI agents per session

// Create specialized agents in the same session
const codingAssistant = await sessionManager.createChat(devSession, {
  name: 'Coding Assistant',
  agentConfig: {
    name: 'Coding Assistant',
    aiProviders: [new OpenAIProvider({ apiKey: process.env.OPENAI_API_KEY, baseURL })],
    defaultModel: {
      provider: 'openai',
      model: 'gpt-4',
      temperature: 0.1,
      systemMessage: 'You are an expert programmer.',
    },
  },
});

const reviewAssistant = await sessionManager.createChat(devSession, {
  name: 'Code Review Assistant',
  agentConfig: {
    name: 'Code Review Assistant',
    aiProviders: [new OpenAIProvider({ apiKey: process.env.OPENAI_API_KEY, baseURL })],
    defaultModel: {
      provider: 'openai',
      model: 'gpt-4',
      temperature: 0.3,
      systemMessage: 'You are a thorough code reviewer.',
    },
  },
});

// 3. Agent switching

// Switch to coding assistant
sessionManager.switchChat(devSession, codingAssistant);
const codingChat = sessionManager.getChat(codingAssistant);
await codingChat.sendMessage('Help me implement a function');

// Switch to review assistant
sessionManager.switchChat(devSession, reviewAssistant);
const reviewChat = sessionManager.getChat(reviewAssistant);
await reviewChat.sendMessage('Please review this code');

console.log('Active:', sessionManager.getActiveChat(devSession).name);
for (const one of sessionManager.getSessionChats(devSession)) {
  for (const { role, content } of one.getHistory()) console.log(`${one.name}, ${role}: ${content}`);
}

// 4. Workspace isolation

const config = {
  agentConfig: {
    name: 'Assistant',
    aiProviders: [new OpenAIProvider({ apiKey: process.env.OPENAI_API_KEY, baseURL })],
    defaultModel: { provider: 'openai', model: 'gpt-4' },
  },
};

// Agents in different sessions don't interfere with each other
const session1 = sessionManager.createSession({ workspaceId: 'workspace-1' });
const session2 = sessionManager.createSession({ workspaceId: 'workspace-2' });

// These agents are completely isolated
const agent1 = await sessionManager.createChat(session1, config);
const agent2 = await sessionManager.createChat(session2, config);

for (const id of [agent1, agent2]) {
  console.log('Seen from workspace-1:', sessionManager.workspace('workspace-1').getChat(id)?.name ?? 'nothing');
}

// The history

{
  const response = await chat.sendMessage('Help me with TypeScript');

  const messages = chat.getHistory();

  console.log('Coding Assistant:', response);
  console.log('Messages:', messages.length);

  chat.clearHistory();

  console.log('Messages after clearing:', chat.getHistory().length);
}
