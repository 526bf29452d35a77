// The configured providers; the AI SDK is loaded when the first of them is asked for.

import type { ModelProvider } from '../ports/model-provider.ts';
import type { ProviderRegistry } from '../ports/provider-registry.ts';
import { BusError } from '../protocol/errors.ts';
import type { ProviderSetting } from '../protocol/types.gen.ts';
import type { ProviderOptions } from './provider-options.ts';

export interface ProviderRegistryDeps {
  providers: Readonly<Record<string, ProviderSetting>>;
  /** Where the keys stand; read when a provider is made. */
  env: Readonly<Record<string, string | undefined>>;
}

export function createProviderRegistry({ providers, env }: ProviderRegistryDeps): ProviderRegistry {
  const settings = new Map(Object.entries(providers));
  const made = new Map<string, Promise<ModelProvider>>();

  async function make(name: string): Promise<ModelProvider> {
    const setting = settings.get(name);
    if (!setting) {
      const known = [...settings.keys()].join(', ') || 'none';
      throw new BusError('UNKNOWN_PROVIDER', `There is no provider of that name; configured are: ${known}.`);
    }
    const { kind, apiKeyEnv, baseURL, models, timeout, maxReplyBytes } = setting;
    const apiKey = apiKeyEnv === undefined ? undefined : env[apiKeyEnv];
    if (apiKeyEnv !== undefined && !apiKey) {
      throw new BusError(
        'PROVIDER_KEY_MISSING',
        `The provider ${name} has no key; set the environment variable ${apiKeyEnv} of the bus.`,
      );
    }
    return load(kind, { name, apiKey, baseURL, models, timeout, maxReplyBytes });
  }

  return {
    get(name) {
      let provider = made.get(name);
      if (provider === undefined) {
        provider = make(name);
        made.set(name, provider);
        // Only a provider is remembered: after a failure the next call tries again.
        provider.catch(() => made.delete(name));
      }
      return provider;
    },
    list: () =>
      [...settings].map(([name, { kind, models }]) => ({ name, kind, ...(models && { models: [...models] }) })),
  };
}

async function load(kind: ProviderSetting['kind'], options: ProviderOptions): Promise<ModelProvider> {
  switch (kind) {
    case 'openai':
      return new (await import('./openai.ts')).OpenAIProvider(options);
    case 'anthropic':
      return new (await import('./anthropic.ts')).AnthropicProvider(options);
    case 'openai-compatible': {
      const { baseURL = '', ...rest } = options;
      return new (await import('./openai-compatible.ts')).OpenAICompatibleProvider({ ...rest, baseURL });
    }
  }
}
