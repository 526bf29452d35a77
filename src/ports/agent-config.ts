// An AI agent that a chat can be had with.
import type { AgentSettings } from '../protocol/types.gen.ts';
import type { ModelProvider } from './model-provider.ts';

export interface AgentConfig extends AgentSettings {
  /** The one that `defaultModel.provider` names must be among them. */
  aiProviders: readonly ModelProvider[];
}
