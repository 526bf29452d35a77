// Any server with OpenAI's chat completions: Ollama, vLLM, LM Studio and others.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { createModelCalls } from './model-calls.ts';
import { createFetch } from './one-request.ts';
import { baseUrlOf, keyOf, type ProviderOptions, replyLimitOf } from './provider-options.ts';
import { SdkProvider } from './sdk-provider.ts';

export class OpenAICompatibleProvider extends SdkProvider {
  /**
   * `name` is `openai-compatible` where left out; without `apiKey` none is sent.
   * @throws BusError CONFIG_INVALID without `baseURL`, PROVIDER_KEY_MISSING for a key that no header can carry
   */
  constructor(options: ProviderOptions & { baseURL: string }) {
    const { name = 'openai-compatible', models } = options;
    const apiKey = options.apiKey === undefined ? undefined : keyOf(name, options.apiKey);
    const limit = replyLimitOf(name, options.maxReplyBytes);
    const sdk = createOpenAICompatible({
      name,
      baseURL: baseUrlOf(name, options.baseURL),
      ...(apiKey !== undefined && { apiKey }),
      // Without it no token would be counted in streams.
      includeUsage: true,
      fetch: createFetch(name, limit),
    });
    super(
      { name, models },
      createModelCalls({ ...options, name, limit }, (model) => sdk.chatModel(model)),
    );
  }
}
