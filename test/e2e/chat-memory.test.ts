// Ten thousand chats that come and go leave nothing behind, measured in a process of their own.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { runToEnd } from '../support/server-process.ts';

/** Half of what the least of leftovers takes, an id in a map, for each chat between the two measurements. */
const bound = 8_000 * 64;

/** Chats with models have a turn; each brings a provider that would be seen if it stayed. */
const program = (open: string, choiceOf: string) => `
  import { CommunicationBus, SessionManager } from '@vibes/agent-communication-bus';
  const provider = () => ({
    name: 'openai',
    baggage: Array.from({ length: 1000 }, Math.random),
    generate: () => Promise.reject(new Error('chats stream')),
    async *stream() { yield { type: 'result', result: { text: 'Hi.', finishReason: 'stop' } }; },
  });
  const withModel = () => ({ agentConfig: {
    name: 'Coder',
    aiProviders: [provider()],
    defaultModel: { provider: 'openai', model: 'gpt-4' },
  } });
  ${open}
  const sessionId = sessions.createSession();
  async function comeAndGo(n) {
    const choice = ${choiceOf};
    const chatId = await sessions.createChat(sessionId, choice);
    if (choice.agentConfig) await sessions.getChat(chatId).sendMessage('Hello!');
    sessions.deleteChat(chatId);
  }
  async function until(count) {
    for (; done < count; done += 50) await Promise.all(Array.from({ length: 50 }, (_, n) => comeAndGo(n)));
    await sessions.settled(sessionId);
    // What is still under way behind the answers is no leftover: the least of several looks counts.
    const looks = [];
    while (looks.length < 10) {
      await new Promise((resolve) => setTimeout(resolve, 30));
      gc();
      looks.push(process.memoryUsage().heapUsed);
    }
    return Math.min(...looks);
  }
  let done = 0;
  const early = await until(2_000);
  const late = await until(10_000);
  const { participants } = sessions.getSession(sessionId);
  const left = participants.map(({ agent_id }) => agent_id);
  console.log(JSON.stringify({ growth: late - early, left, chats: sessions.getSessionChats(sessionId).length }));
  await end();`;

async function churn(open: string, choiceOf: string) {
  const source = program(open, choiceOf);
  const command = [process.execPath, '--expose-gc'];
  const { code, stdout, stderr } = await runToEnd(['--input-type=module', '-e', source], { command });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as { growth: number; left: string[]; chats: number };
}

it('10,000 chats of a session manager without a bus leave nothing behind', async () => {
  const open = 'const sessions = new SessionManager(); const end = () => sessions.close();';
  const { growth, left, chats } = await churn(open, 'withModel()');
  expect({ left, chats }).toEqual({ left: [], chats: 0 });
  expect(growth).toBeLessThan(bound);
}, 120_000);

it('10,000 chats of a bus, every other one with an agent, leave nothing behind', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'agent-bus-chats-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const options = { port: 0, apiKey: 'bus-key', logLevel: 'warn', persistenceEnabled: true, dataDir };
  const open = `
    const bus = new CommunicationBus(${JSON.stringify(options)});
    await bus.start();
    const sessions = bus.sessionManager;
    const end = () => bus.stop();`;
  const { growth, left, chats } = await churn(open, "n % 2 ? { agentId: 'codex://reviewer' } : withModel()");
  expect({ left, chats }).toEqual({ left: ['codex://reviewer'], chats: 0 });
  expect(growth).toBeLessThan(bound);
}, 120_000);
