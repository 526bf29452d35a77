// The three providers against the model server, for tests that hold for each of them.
import type { GenerateRequest, GenerateResult, ModelProvider, StreamPart } from '../../src/ports/model-provider.ts';
import { BusError } from '../../src/protocol/errors.ts';
import { AnthropicProvider } from '../../src/providers/anthropic.ts';
import { OpenAIProvider } from '../../src/providers/openai.ts';
import { OpenAICompatibleProvider } from '../../src/providers/openai-compatible.ts';
import type { ProviderOptions } from '../../src/providers/provider-options.ts';

/** Must never be seen outside of a request's headers. */
export const canary = 'sk-canary-0123456789abcdef';

export const everyProvider: [
  name: string,
  create: (options: ProviderOptions & { baseURL: string }) => ModelProvider,
][] = [
  ['openai', (options) => new OpenAIProvider({ apiKey: canary, ...options })],
  ['anthropic', (options) => new AnthropicProvider({ apiKey: canary, ...options })],
  ['openai-compatible', (options) => new OpenAICompatibleProvider({ apiKey: canary, ...options })],
];

export const hello: GenerateRequest = { model: 'claude-sonnet-4-5', messages: [{ role: 'user', content: 'Hello' }] };

/** All that a stream says; its last part apart. */
export async function readStream(parts: AsyncIterable<StreamPart>) {
  const texts: string[] = [];
  let result: GenerateResult | undefined;
  for await (const part of parts) {
    if (part.type === 'text') texts.push(part.text);
    else result = part.result;
  }
  return { texts, result };
}

/** Both ways to ask; each resolves with the text or rejects. */
export const everyWay: [way: string, ask: (provider: ModelProvider, signal?: AbortSignal) => Promise<string>][] = [
  ['generate', async (provider, signal) => (await provider.generate(hello, { signal })).text],
  ['stream', async (provider, signal) => (await readStream(provider.stream(hello, { signal }))).texts.join('')],
];

/** The error of the bus that it rejects with. @throws Error where it does not */
export async function failureOf(work: Promise<unknown>): Promise<BusError> {
  const outcome: unknown = await work.then(
    () => new Error('nothing was refused'),
    (error: unknown) => error,
  );
  if (outcome instanceof BusError) return outcome;
  throw outcome;
}
