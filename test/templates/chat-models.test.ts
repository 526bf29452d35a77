import { describe, expect, it } from 'vitest';
import type { ModelProvider } from '../../src/ports/model-provider.ts';
import type { ProviderRegistry } from '../../src/ports/provider-registry.ts';
import { BusError } from '../../src/protocol/errors.ts';
import { AgentTemplates } from '../../src/templates/agent-templates.ts';
import { createChatModels } from '../../src/templates/chat-models.ts';

const refused = (code: string) => expect.objectContaining({ name: 'BusError', code });

function providerNamed(name: string, models?: string[]): ModelProvider {
  const never = () => Promise.reject(new Error('is never asked'));
  return {
    name,
    generate: never,
    stream: () => ({ [Symbol.asyncIterator]: () => ({ next: never }) }),
    ...(models && { models }),
  };
}

function registryOf(...providers: ModelProvider[]): ProviderRegistry {
  return {
    async get(name) {
      const found = providers.find((one) => one.name === name);
      if (!found) throw new BusError('UNKNOWN_PROVIDER', `No ${name}.`);
      return found;
    },
    list: () => [],
  };
}

const setUp = (...providers: ModelProvider[]) =>
  createChatModels({ templates: new AgentTemplates(), providers: registryOf(...providers) });

const settings = (provider: string, model = 'gpt-4o') => ({ name: 'Coder', defaultModel: { provider, model } });

describe('the model of a chat', () => {
  it('is what was described, with the provider that came with it', async () => {
    const own = providerNamed('own');
    const chosen = await setUp().choose({ agentConfig: { ...settings('own'), aiProviders: [own] } });
    expect(chosen).toEqual({ settings: settings('own'), provider: own });
  });

  it('stays as it was described, whatever the program makes of its description meanwhile or later', async () => {
    const described = settings('local');
    const choosing = setUp(providerNamed('local')).choose({ agentConfig: described });
    described.defaultModel.model = 'o3';
    const { settings: chosen } = await choosing;
    described.name = 'Other';
    expect(chosen).toEqual(settings('local'));
  });

  it('may be of a provider that the bus knows by name, which is not handed out', async () => {
    const models = setUp(providerNamed('local'));
    expect(await models.choose({ agentConfig: settings('local') })).toEqual({ settings: settings('local') });
  });

  it('has the model, temperature and system message of its template, with the overrides in it', async () => {
    const models = setUp(providerNamed('openai'));
    const { settings: made, template } = await models.choose({
      template: 'coder',
      overrides: { name: 'Mine', defaultModel: { model: 'gpt-5' } },
    });
    const { temperature, systemMessage } = new AgentTemplates().get('coder')?.defaultModel ?? {};
    expect(made).toMatchObject({
      name: 'Mine',
      defaultModel: { provider: 'openai', model: 'gpt-5', temperature, systemMessage },
    });
    expect(template).toBe('coder');
  });

  it.each([
    ['a provider that nobody knows', { agentConfig: settings('nobody') }, 'UNKNOWN_PROVIDER'],
    [
      'a provider that is not among its own',
      { agentConfig: { ...settings('local'), aiProviders: [] } },
      'UNKNOWN_PROVIDER',
    ],
    [
      'a model that the provider of the bus may not be asked for',
      { agentConfig: settings('local', 'o3') },
      'UNKNOWN_MODEL',
    ],
    [
      'settings that are none',
      { agentConfig: { name: '', defaultModel: { provider: 'local', model: 'x' } } },
      'VALIDATION_FAILED',
    ],
    ['overrides of no template', { agentConfig: settings('local'), overrides: {} }, 'VALIDATION_FAILED'],
    ['an unknown template', { template: 'poet' }, 'TEMPLATE_NOT_FOUND'],
    ['a template whose provider nobody knows', { template: 'coder' }, 'UNKNOWN_PROVIDER'],
  ])('is refused with %s', async (_what, choice, code) => {
    const models = setUp(providerNamed('local', ['gpt-4o']));
    await expect(models.choose(choice)).rejects.toEqual(refused(code));
  });
});
