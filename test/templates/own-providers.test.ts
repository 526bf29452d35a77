// Providers of the program: beside the configured ones, and there again after a restart.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ModelProvider } from '../../src/ports/model-provider.ts';
import { CommunicationBus } from '../../src/server.ts';
import { withOwnProviders } from '../../src/templates/own-providers.ts';
import { fakeProvider } from '../support/fake-provider.ts';

const refused = (code: string, message: RegExp) =>
  expect.objectContaining({ name: 'BusError', code, message: expect.stringMatching(message) });
const options = {
  port: 0,
  apiKey: 'bus-key',
  logLevel: 'silent',
  providers: { local: { kind: 'openai-compatible', baseURL: 'http://127.0.0.1:1/v1' } },
} as const;

describe('providers of the program', () => {
  it('are found by name, and listed before the configured ones', async () => {
    const own = fakeProvider('mine', ['small']);
    const { providers } = new CommunicationBus(options, { aiProviders: [own] });
    expect(await providers.get('mine')).toBe(own);
    expect((await providers.get('local')).name).toBe('local');
    expect(providers.list()).toEqual([
      { name: 'mine', kind: 'program', models: ['small'] },
      { name: 'local', kind: 'openai-compatible' },
    ]);
    await expect(providers.get('other')).rejects.toEqual(refused('UNKNOWN_PROVIDER', /there are: mine, local\./));
    await expect(withOwnProviders([]).get('other')).rejects.toEqual(refused('UNKNOWN_PROVIDER', /there are: none\./));
  });

  it.each([
    ['what is no list', {}, /option aiProviders must be a list of providers/],
    ['what is no provider', [{ name: 'mine' }], /option aiProviders\/0 must be a provider/],
    ['two of one name', [fakeProvider(), fakeProvider()], /option aiProviders\/1 two providers have the name "openai"/],
    ['the name of a configured one', [fakeProvider('local')], /option aiProviders has local/],
  ])('are refused with %s', (_what, given, message) => {
    const aiProviders = given as ModelProvider[];
    expect(() => new CommunicationBus(options, { aiProviders })).toThrow(refused('CONFIG_INVALID', message));
  });

  it('go on with the chats that they had before a restart, and say so where they are missing', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'agent-bus-providers-'));
    onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
    const start = async (...aiProviders: ModelProvider[]) => {
      const bus = new CommunicationBus({ ...options, persistenceEnabled: true, dataDir }, { aiProviders });
      await bus.start();
      onTestFinished(() => bus.stop());
      return bus;
    };
    const first = await start();
    const sessionId = first.sessionManager.createSession({});
    const agentConfig = { name: 'Coder', defaultModel: { provider: 'mine', model: 'small' } };
    const chatId = await first.sessionManager.createChat(sessionId, {
      agentConfig: { ...agentConfig, aiProviders: [fakeProvider('mine')] },
    });
    expect(await first.sessionManager.getChat(chatId)?.sendMessage('Hello!')).toBe('1 messages');
    await first.stop();
    const without = await start();
    const asked = without.sessionManager.getChat(chatId)?.sendMessage('Are you there?');
    await expect(asked).rejects.toEqual(refused('UNKNOWN_PROVIDER', /there are: local/));
    await without.stop();
    const own = fakeProvider('mine');
    const second = await start(own);
    expect(await second.sessionManager.getChat(chatId)?.sendMessage('And now?')).toBe('3 messages');
    expect(own.requests[0]?.messages.map(({ content }) => content)).toEqual(['Hello!', '1 messages', 'And now?']);
    await second.sessionManager.createChat(sessionId, { agentConfig });
  });
});
