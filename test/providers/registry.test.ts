import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ProviderSetting } from '../../src/protocol/types.gen.ts';
import { createProviderRegistry } from '../../src/providers/registry.ts';
import { CommunicationBus } from '../../src/server.ts';
import { startModelServer } from '../support/model-server.ts';
import { canary, failureOf, hello } from './every-provider.ts';

const none = 'http://127.0.0.1:1/v1';
const providers: Record<string, ProviderSetting> = {
  openai: { kind: 'openai', apiKeyEnv: 'THE_KEY', baseURL: none },
  claude: { kind: 'anthropic', apiKeyEnv: 'THE_KEY', models: ['claude-sonnet-4-5'], timeout: '90s' },
  local: { kind: 'openai-compatible', baseURL: none },
};

describe('the registry of providers', () => {
  it('lists what is configured, without keys and their places', () => {
    expect(createProviderRegistry({ providers, env: { THE_KEY: canary } }).list()).toEqual([
      { name: 'openai', kind: 'openai' },
      { name: 'claude', kind: 'anthropic', models: ['claude-sonnet-4-5'] },
      { name: 'local', kind: 'openai-compatible' },
    ]);
  });

  it('makes each provider once, with its configured name and models', async () => {
    const registry = createProviderRegistry({ providers, env: { THE_KEY: canary } });
    for (const name of Object.keys(providers)) {
      const [first, second] = await Promise.all([registry.get(name), registry.get(name)]);
      expect(second).toBe(first);
      expect([first.name, first.models]).toEqual([name, providers[name]?.models]);
    }
  });

  it('sends the key of the environment to the configured place', async () => {
    const server = await startModelServer();
    const setting: ProviderSetting = { kind: 'openai', apiKeyEnv: 'THE_KEY', baseURL: server.baseURL };
    const registry = createProviderRegistry({ providers: { fast: setting }, env: { THE_KEY: canary } });
    expect((await (await registry.get('fast')).generate(hello)).text).toBe('echo: Hello');
    expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${canary}`);
    expect(inspect(registry, { depth: 9, showHidden: true }) + JSON.stringify(registry.list())).not.toContain(canary);
  });

  it('holds a provider to the configured length of its replies', async () => {
    const { baseURL } = await startModelServer();
    const setting: ProviderSetting = { kind: 'openai-compatible', baseURL, maxReplyBytes: 5 };
    const registry = createProviderRegistry({ providers: { terse: setting }, env: {} });
    const failure = await failureOf((await registry.get('terse')).generate(hello));
    expect(failure.code).toBe('PROVIDER_REPLY_TOO_LARGE');
  });

  it.each(['', 'gpt', 'constructor', '__proto__'])('knows no provider %j, and says which there are', async (name) => {
    const registry = createProviderRegistry({ providers, env: {} });
    const failure = await failureOf(registry.get(name));
    expect(failure.code).toBe('UNKNOWN_PROVIDER');
    expect(failure.message).toContain('openai, claude, local');
  });

  it('names the variable of a key that is missing, and goes on when it is there', async () => {
    const env: Record<string, string> = {};
    const registry = createProviderRegistry({ providers, env });
    const failure = await failureOf(registry.get('openai'));
    expect([failure.code, failure.message]).toEqual(['PROVIDER_KEY_MISSING', expect.stringContaining('THE_KEY')]);
    env.THE_KEY = canary;
    expect((await registry.get('openai')).name).toBe('openai');
  });
});

it('a bus has the providers of its configuration, with keys of the environment', async () => {
  vi.stubEnv('TEST_PROVIDER_KEY', canary);
  onTestFinished(() => void vi.unstubAllEnvs());
  const server = await startModelServer();
  const setting: ProviderSetting = { kind: 'anthropic', apiKeyEnv: 'TEST_PROVIDER_KEY', baseURL: server.baseURL };
  const bus = new CommunicationBus({ logLevel: 'silent', providers: { claude: setting } });
  expect(bus.providers.list()).toEqual([{ name: 'claude', kind: 'anthropic' }]);
  await (await bus.providers.get('claude')).generate(hello);
  expect(server.requests[0]?.headers['x-api-key']).toBe(canary);
});
