// Whether an agent's configuration can be talked to, and by which of its providers.
import type { AgentConfig } from '../ports/agent-config.ts';
import type { ModelProvider } from '../ports/model-provider.ts';
import { BusError } from '../protocol/errors.ts';
import type { AgentSettings, ModelSettings } from '../protocol/types.gen.ts';
import { assertValid } from '../schema/registry.ts';

/**
 * The provider that the configuration's model belongs to.
 * @throws BusError VALIDATION_FAILED naming the first fault, UNKNOWN_PROVIDER, UNKNOWN_MODEL
 */
export function providerOf({ aiProviders, ...settings }: AgentConfig): ModelProvider {
  assertValid<AgentSettings>('AgentSettings', 'agent configuration', settings);
  assertProviders(aiProviders);
  const { defaultModel } = settings;
  const provider = aiProviders.find(({ name }) => name === defaultModel.provider);
  if (!provider) {
    const names = aiProviders.map(({ name }) => name).join(', ') || 'none';
    const message = `The agent has no provider ${JSON.stringify(defaultModel.provider)}; its aiProviders are: ${names}.`;
    throw new BusError('UNKNOWN_PROVIDER', message, { details: [{ path: '/defaultModel/provider', message }] });
  }
  assertModel(provider, defaultModel);
  return provider;
}

/** @throws BusError VALIDATION_FAILED naming the first fault */
export function assertProviders(aiProviders: unknown): asserts aiProviders is readonly ModelProvider[] {
  if (!Array.isArray(aiProviders)) throw invalid('/aiProviders', 'must be a list of providers');
  const names = new Set<string>();
  for (const [index, provider] of aiProviders.entries()) {
    const path = `/aiProviders/${index}`;
    const { name, generate, stream } = (provider ?? {}) as Partial<ModelProvider>;
    if (typeof name !== 'string' || typeof generate !== 'function' || typeof stream !== 'function') {
      throw invalid(path, 'must be a provider, with name, generate and stream');
    }
    if (names.has(name)) throw invalid(path, `two providers have the name ${JSON.stringify(name)}`);
    names.add(name);
  }
}

/** @throws BusError UNKNOWN_MODEL where the provider may not be asked for it */
export function assertModel({ name, models }: ModelProvider, { model }: ModelSettings): void {
  if (!models || models.includes(model)) return;
  const message = `The provider ${name} may be asked for ${models.join(', ')} only.`;
  throw new BusError('UNKNOWN_MODEL', message, { details: [{ path: '/defaultModel/model', message }] });
}

function invalid(path: string, message: string): BusError {
  return new BusError('VALIDATION_FAILED', `The agent configuration is not valid. ${path}: ${message}.`, {
    details: [{ path, message }],
  });
}
