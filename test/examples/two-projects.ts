// Two projects, each with its own specialists, found by name and workspace; the end of one leaves the other as it is.
import { AgentFactory, AgentTemplates, SessionManager } from '@vibes/agent-communication-bus';
import { OpenAIProvider } from '@vibes/agent-communication-bus/providers';

const provider = new OpenAIProvider({ apiKey: process.env.OPENAI_API_KEY, baseURL: process.env.OPENAI_BASE_URL });
const templates = new AgentTemplates();
templates.register({
  id: 'frontend',
  name: 'Frontend developer',
  defaultModel: { provider: 'openai', model: 'gpt-4o', temperature: 0.2, systemMessage: 'You write web pages.' },
});
const factory = new AgentFactory({ templates, aiProviders: [provider] });
const backendConfig = { agentConfig: factory.create('coder', { name: 'Backend developer' }) };
const frontendConfig = { agentConfig: factory.create('frontend') };

const sessionManager = new SessionManager({ maxChatsPerSession: 2 });

// Create sessions for different projects
const project1 = sessionManager.createSession({
  name: 'Project Alpha',
  workspaceId: 'project-alpha',
});
const project2 = sessionManager.createSession({
  name: 'Project Beta',
  workspaceId: 'project-beta',
});

// Each project has its own set of specialized agents
const alphaBackend = await sessionManager.createChat(project1, backendConfig);
const alphaFrontend = await sessionManager.createChat(project1, frontendConfig);
const betaBackend = await sessionManager.createChat(project2, backendConfig);
const betaFrontend = await sessionManager.createChat(project2, frontendConfig);

for (const chatId of [alphaBackend, alphaFrontend, betaBackend, betaFrontend]) {
  const chat = sessionManager.getChat(chatId);
  if (!chat) throw new Error(`There is no chat ${chatId}.`);
  const project = sessionManager.getSession(chat.sessionId)?.name;
  console.log(`${project}, ${chat.name}: ${await chat.sendMessage(`What is your part in ${project}?`)}`);
}

sessionManager.completeSession(project1, { summary: 'Shipped' });
for (const name of ['Project Alpha', 'Project Beta']) {
  for (const { state, workspace_id } of sessionManager.listSessions({ name }).items) {
    console.log(`${name} in ${workspace_id} is ${state}`);
  }
}
console.log(
  'Active:',
  sessionManager
    .listSessions({ state: 'active' })
    .items.map(({ name }) => name)
    .join(),
);
