// Three specialists from templates in one session, and switching between them: each has its own instructions and memory.
import { SessionManager } from '@vibes/agent-communication-bus';
import { OpenAIProvider } from '@vibes/agent-communication-bus/providers';

const provider = new OpenAIProvider({ apiKey: process.env.OPENAI_API_KEY, baseURL: process.env.OPENAI_BASE_URL });
const sessionManager = new SessionManager({ aiProviders: [provider] });
const devSession = sessionManager.createSession({ name: 'Development' });

const coder = await sessionManager.createChat(devSession, { name: 'Coder', template: 'coder' });
const reviewer = await sessionManager.createChat(devSession, { name: 'Reviewer', template: 'reviewer' });
const documenter = await sessionManager.createChat(devSession, {
  name: 'Documenter',
  template: 'documenter',
  overrides: { defaultModel: { model: 'gpt-4o-mini', temperature: 0.7 } },
});

/** Says something to whoever the session is with. */
async function ask(question: string): Promise<string> {
  const chat = sessionManager.getActiveChat(devSession);
  const reply = await chat.sendMessage(question);
  console.log(`${chat.name}: ${reply}`);
  return reply;
}

// Switch between them as needed
sessionManager.switchChat(devSession, coder); // For coding
const code = await ask('Write a function that adds two numbers');
sessionManager.switchChat(devSession, reviewer); // For code review
await ask(`Please review this: ${code}`);
sessionManager.switchChat(devSession, documenter); // For documentation
await ask(`Please describe this: ${code}`);
sessionManager.switchChat(devSession, coder);
await ask('Now let it take any number of arguments');

for (const chat of sessionManager.getSessionChats(devSession)) {
  const { active, turns } = chat.describe();
  console.log(`${chat.name}: ${turns} turns${active ? ', active' : ''}`);
}
