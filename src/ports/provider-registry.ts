// The providers of AI models that a server is configured with.
import type { ModelProvider } from './model-provider.ts';

/** What may be told of a provider to everybody. */
export interface ProviderInfo {
  name: string;
  kind: string;
  /** The only models that may be used; any where absent. */
  models?: readonly string[];
}

export interface ProviderRegistry {
  /**
   * The provider of that name, made at the first call.
   * @throws BusError UNKNOWN_PROVIDER, or PROVIDER_KEY_MISSING where its environment variable is not set.
   */
  get(name: string): Promise<ModelProvider>;
  /** In the order of the configuration. */
  list(): ProviderInfo[];
}
