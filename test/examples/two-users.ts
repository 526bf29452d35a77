// Two users, each with a workspace and an assistant of their own: neither finds anything of the other.
import assert from 'node:assert/strict';
import { BusError, SessionManager } from '@vibes/agent-communication-bus';
import { OpenAIProvider } from '@vibes/agent-communication-bus/providers';

const provider = new OpenAIProvider({ apiKey: process.env.OPENAI_API_KEY, baseURL: process.env.OPENAI_BASE_URL });
const sessionManager = new SessionManager({ aiProviders: [provider] });
const config = { template: 'researcher' };

// Create isolated workspaces for different users
const userASession = sessionManager.createSession({
  userId: 'user-a',
  workspaceId: 'workspace-a',
});
const userBSession = sessionManager.createSession({
  userId: 'user-b',
  workspaceId: 'workspace-b',
});

// Each user has their own isolated agents
const userAAssistant = await sessionManager.createChat(userASession, config);
const userBAssistant = await sessionManager.createChat(userBSession, config);

// What is handed to the code that serves a user
const ofUserA = sessionManager.workspace('workspace-a');
const ofUserB = sessionManager.workspace('workspace-b');

console.log('To user-a:', await ofUserA.getChat(userAAssistant)?.sendMessage('My secret is swordfish'));
console.log('To user-b:', await ofUserB.getChat(userBAssistant)?.sendMessage('What is the secret?'));

assert.equal(ofUserB.getChat(userAAssistant), undefined);
assert.equal(ofUserB.getSession(userASession), undefined);
assert.throws(
  () => ofUserB.switchChat(userBSession, userAAssistant),
  (error) => error instanceof BusError && error.code === 'CHAT_NOT_FOUND',
);
console.log('Of user-a, user-b sees nothing');

for (const user_id of ['user-a', 'user-b']) {
  for (const { session_id, workspace_id } of sessionManager.listSessions({ user_id }).items) {
    const [chat] = sessionManager.getSessionChats(session_id);
    console.log(`${user_id} in ${workspace_id}: ${chat?.getHistory().length} messages`);
  }
}
