// The entry `@vibes/agent-communication-bus/providers`, apart from the main one so that the bus does not load the AI SDK.
export type { ModelProvider } from '../ports/model-provider.ts';
export { AnthropicProvider } from './anthropic.ts';
export { OpenAIProvider } from './openai.ts';
export { OpenAICompatibleProvider } from './openai-compatible.ts';
export type { ProviderOptions } from './provider-options.ts';
