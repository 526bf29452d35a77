// The models that chats can be with: described by the program, or made from templates, with the providers that there are.
import { copyJson } from '../core/json/copy.ts';
import type { ChatModels, ChosenModel, ModelChoice } from '../ports/chat-models.ts';
import type { ModelProvider } from '../ports/model-provider.ts';
import type { ProviderRegistry } from '../ports/provider-registry.ts';
import { BusError } from '../protocol/errors.ts';
import type { AgentSettings } from '../protocol/types.gen.ts';
import { assertValid } from '../schema/registry.ts';
import { assertModel, providerOf } from './agent-config.ts';
import { AgentFactory } from './agent-factory.ts';
import type { AgentTemplates } from './agent-templates.ts';

export interface ChatModelsDeps {
  templates: AgentTemplates;
  /** For agents that bring no providers of their own. */
  providers: ProviderRegistry;
}

export function createChatModels({ templates, providers }: ChatModelsDeps): ChatModels {
  const factory = new AgentFactory({ templates });

  async function withProvider(
    settings: AgentSettings,
    aiProviders: readonly ModelProvider[] | undefined,
  ): Promise<ChosenModel> {
    if (aiProviders) return { settings, provider: providerOf({ ...settings, aiProviders }) };
    assertModel(await providers.get(settings.defaultModel.provider), settings.defaultModel);
    return { settings };
  }

  return {
    async choose({ agentConfig, template, overrides }: ModelChoice) {
      if (agentConfig) {
        if (overrides)
          throw new BusError('VALIDATION_FAILED', 'overrides: are of a template; name one, or leave them out.');
        const { aiProviders, ...described } = agentConfig;
        // What the program makes of it from now on has been checked by nobody.
        const settings = copyJson(described);
        assertValid<AgentSettings>('AgentSettings', 'agentConfig', settings);
        return withProvider(settings, aiProviders);
      }
      const { aiProviders, ...changes } = overrides ?? {};
      const settings = factory.settings(template ?? '', changes);
      return { ...(await withProvider(settings, aiProviders)), ...(template !== undefined && { template }) };
    },
    provider: (name) => providers.get(name),
  };
}
