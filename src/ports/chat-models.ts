// Where chats get their models from.
import type { AgentOverrides, AgentSettings } from '../protocol/types.gen.ts';
import type { ModelProvider } from './model-provider.ts';

/** Providers of the program itself, among which is the one that the model belongs to; those of the bus where left out. */
interface OwnProviders {
  aiProviders?: readonly ModelProvider[] | undefined;
}

/** The model that a new chat is to be with: described, or made from a template. */
export interface ModelChoice {
  agentConfig?: (AgentSettings & OwnProviders) | undefined;
  /** The id of a template, and what shall be different from it. */
  template?: string | undefined;
  overrides?: (AgentOverrides & OwnProviders) | undefined;
}

export interface ChosenModel {
  settings: AgentSettings;
  template?: string;
  /** Where it came with the choice; else it is asked for by its name. */
  provider?: ModelProvider;
}

export interface ChatModels {
  /** @throws BusError VALIDATION_FAILED, TEMPLATE_NOT_FOUND, UNKNOWN_PROVIDER, UNKNOWN_MODEL, PROVIDER_KEY_MISSING */
  choose(choice: ModelChoice): Promise<ChosenModel>;
  /** @throws BusError UNKNOWN_PROVIDER, PROVIDER_KEY_MISSING */
  provider(name: string): Promise<ModelProvider>;
}
