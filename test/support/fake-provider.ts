// A provider that asks no server: it says how many messages it was sent, and remembers the requests.
import type { GenerateRequest, ModelProvider } from '../../src/ports/model-provider.ts';

export interface FakeProvider extends ModelProvider {
  readonly requests: GenerateRequest[];
}

export function fakeProvider(name = 'openai', models?: readonly string[]): FakeProvider {
  const requests: GenerateRequest[] = [];
  return {
    name,
    ...(models && { models }),
    requests,
    generate: () => Promise.reject(new Error('chats stream')),
    async *stream(request) {
      requests.push(request);
      const text = `${request.messages.length} messages`;
      yield { type: 'text', text };
      yield { type: 'result', result: { text, finishReason: 'stop', usage: { inputTokens: 7 } } };
    },
  };
}
