// Anthropic's models, through its messages.
import { createAnthropic } from '@ai-sdk/anthropic';
import { createModelCalls } from './model-calls.ts';
import { createFetch } from './one-request.ts';
import { baseUrlOf, keyOf, type ProviderOptions, replyLimitOf } from './provider-options.ts';
import { SdkProvider } from './sdk-provider.ts';

export class AnthropicProvider extends SdkProvider {
  /** `name` is `anthropic` where left out. @throws BusError PROVIDER_KEY_MISSING, CONFIG_INVALID */
  constructor(options: ProviderOptions = {}) {
    const { name = 'anthropic', baseURL = 'https://api.anthropic.com/v1', models } = options;
    const apiKey = keyOf(name, options.apiKey);
    const limit = replyLimitOf(name, options.maxReplyBytes);
    const sdk = createAnthropic({ apiKey, baseURL: baseUrlOf(name, baseURL), fetch: createFetch(name, limit) });
    super(
      { name, models },
      createModelCalls({ ...options, name, limit }, (model) => sdk.languageModel(model)),
    );
  }
}
