// Providers that a program brings, and callers that change their mind.
import { describe, expect, it, onTestFinished } from 'vitest';
import type { GenerateResult, ModelProvider } from '../../src/ports/model-provider.ts';
import { CommunicationBus } from '../../src/server.ts';
import { SessionManager } from '../../src/session-manager.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const saying = (result: unknown): ModelProvider => ({
  name: 'own',
  generate: () => Promise.resolve(result as GenerateResult),
  async *stream() {
    yield { type: 'result', result: result as GenerateResult };
  },
});
const agentConfig = { name: 'Coder', defaultModel: { provider: 'own', model: 'small' } };

describe('a chat', () => {
  it('goes on when who is told of the beginning of a turn aborts it at once', async () => {
    const sessions = new SessionManager({ aiProviders: [saying({ text: 'Yes.', finishReason: 'stop' })] });
    onTestFinished(() => sessions.close());
    const chatId = await sessions.createChat(sessions.createSession(), { agentConfig });
    const chat = sessions.getChat(chatId) ?? expect.unreachable();
    const abort = new AbortController();
    sessions.once('chat_turn_started', () => abort.abort());
    const said = chat.sendMessage('Hello!', { signal: abort.signal });
    await expect(said).rejects.toMatchObject({ code: 'CHAT_ABORTED' });
    expect(chat.describe().state).toBe('idle');
    expect(await chat.sendMessage('Hello again!')).toBe('Yes.');
  });

  it('refuses what is no signal, and nothing of it is left for its end', async () => {
    const sessions = new SessionManager({ aiProviders: [saying({ text: 'Yes.', finishReason: 'stop' })] });
    onTestFinished(() => sessions.close());
    const chatId = await sessions.createChat(sessions.createSession(), { agentConfig });
    const signal = new AbortController() as unknown as AbortSignal;
    const said = sessions.getChat(chatId)?.sendMessage('Hello!', { signal });
    await expect(said).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
    sessions.deleteChat(chatId);
    await new Promise((resolve) => setImmediate(resolve));
  });

  it.each([
    ['a finish reason that is no text', { text: 'Yes.', finishReason: 5n }],
    ['a function as one', { text: 'Yes.', finishReason: () => 'stop' }],
    [
      'tokens that are no number',
      { text: 'Yes.', finishReason: 'stop', usage: { inputTokens: '5', outputTokens: 1n } },
    ],
    ['tokens that are not whole', { text: 'Yes.', finishReason: 'stop', usage: { inputTokens: Number.NaN } }],
  ])('takes from a provider of the program no %s into the log', async (_what, result) => {
    const options = { port: 0, apiKey: 'dev-key', logLevel: 'silent' } as const;
    const bus = new CommunicationBus(
      { ...options, persistenceEnabled: true, dataDir: temporaryFolder() },
      { aiProviders: [saying(result)] },
    );
    onTestFinished(() => bus.stop());
    await bus.start();
    const sessions = bus.sessionManager;
    const sessionId = sessions.createSession();
    const chat = sessions.getChat(await sessions.createChat(sessionId, { agentConfig })) ?? expect.unreachable();
    expect([await chat.sendMessage('1?'), await chat.sendMessage('2?')]).toEqual(['Yes.', 'Yes.']);
    expect(chat.describe().usage ?? {}).toEqual({});
    sessions.updateSharedContext(sessionId, { goes: 'on' });
    await sessions.settled(sessionId);
  });

  it.each([[{ finishReason: 'stop' }], [{ text: 5, finishReason: 'stop' }]])(
    'takes no reply without a text: %j',
    async (result) => {
      const sessions = new SessionManager({ aiProviders: [saying(result)] });
      onTestFinished(() => sessions.close());
      const chatId = await sessions.createChat(sessions.createSession(), { agentConfig });
      const said = sessions.getChat(chatId)?.sendMessage('Hello!');
      await expect(said).rejects.toMatchObject({ code: 'PROVIDER_REPLY_INVALID' });
    },
  );
});
