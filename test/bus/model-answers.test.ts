// Providers that programs write themselves: what they throw may be anything, and say anything.
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { ModelProvider, StreamPart } from '../../src/ports/model-provider.ts';
import { AgentTemplates } from '../../src/templates/agent-templates.ts';
import { createChatModels } from '../../src/templates/chat-models.ts';
import { withOwnProviders } from '../../src/templates/own-providers.ts';
import { open, refused } from './session-setup.ts';

async function chatWith(stream: ModelProvider['stream']) {
  const own: ModelProvider = { name: 'own', generate: () => Promise.reject(new Error('chats stream')), stream };
  const chatModels = createChatModels({ templates: new AgentTemplates(), providers: withOwnProviders([own]) });
  const { sessions, log } = await open({ chatModels });
  const sessionId = sessions.createSession();
  const agentConfig = { name: 'Coder', defaultModel: { provider: 'own', model: 'small' } };
  const chat = sessions.getChat(await sessions.createChat(sessionId, { agentConfig })) ?? expect.unreachable();
  const ended = async () => {
    await sessions.settled(sessionId);
    return log.events(sessionId).at(-1)?.data;
  };
  return { chat, ended };
}

const canary = 'sk-canary';

async function* throwing(reason: unknown): AsyncGenerator<StreamPart> {
  yield { type: 'text', text: 'I would say' };
  throw reason;
}

describe('a provider of a program', () => {
  it.each<[what: string, stream: () => AsyncIterable<StreamPart>]>([
    ['an error with a key in it', () => throwing(new TypeError(`bad header: ${canary}`))],
    ['a text', () => throwing(canary)],
    ['undefined', () => throwing(undefined)],
    [
      'at once',
      () => {
        throw new Error(canary);
      },
    ],
  ])('that throws %s has failed, and none of its words is told', async (_what, stream) => {
    const { chat, ended } = await chatWith(stream);
    const failure = await chat.sendMessage('Hello!').then(expect.unreachable, (error: unknown) => error);
    expect(failure).toMatchObject({ name: 'BusError', code: 'PROVIDER_FAILED' });
    expect(inspect(failure)).not.toContain(canary);
    expect(await ended()).toMatchObject({ status: 'failed', error: { code: 'PROVIDER_FAILED' } });
  });

  it.each([
    ['empty', ''],
    ['too long', 'x'.repeat(500_001)],
  ])('that has a result only, which is %s, has none', async (_what, text) => {
    const { chat } = await chatWith(async function* () {
      yield { type: 'result', result: { text, finishReason: 'stop' } };
    });
    await expect(chat.sendMessage('Hello!')).rejects.toEqual(refused('PROVIDER_REPLY_INVALID'));
    await expect(chat.sendMessage('Hello!')).rejects.toThrow('provider own');
  });
});
