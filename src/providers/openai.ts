// OpenAI's models, through its chat completions.
import { createOpenAI } from '@ai-sdk/openai';
import { createModelCalls } from './model-calls.ts';
import { createFetch } from './one-request.ts';
import { baseUrlOf, keyOf, type ProviderOptions, replyLimitOf } from './provider-options.ts';
import { SdkProvider } from './sdk-provider.ts';

export class OpenAIProvider extends SdkProvider {
  /** `name` is `openai` where left out. @throws BusError PROVIDER_KEY_MISSING, CONFIG_INVALID */
  constructor(options: ProviderOptions = {}) {
    const { name = 'openai', baseURL = 'https://api.openai.com/v1', models } = options;
    const apiKey = keyOf(name, options.apiKey);
    const limit = replyLimitOf(name, options.maxReplyBytes);
    const sdk = createOpenAI({ apiKey, baseURL: baseUrlOf(name, baseURL), fetch: createFetch(name, limit) });
    super(
      { name, models },
      createModelCalls({ ...options, name, limit }, (model) => sdk.chat(model)),
    );
  }
}
