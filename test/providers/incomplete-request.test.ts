// What no provider is asked: the caller's fault is told as such, and not as one of an answer that never came.
import { describe, expect, it } from 'vitest';
import type { GenerateRequest } from '../../src/ports/model-provider.ts';
import { OpenAICompatibleProvider } from '../../src/providers/openai-compatible.ts';

const request = { model: 'small', messages: [{ role: 'user' as const, content: 'Hello!' }] };

describe('a provider', () => {
  it.each([
    ['/maxTokens', { maxTokens: 0 }],
    ['/maxTokens', { maxTokens: 1.5 }],
    ['/temperature', { temperature: 'hot' }],
    ['/temperature', { temperature: Number.NaN }],
    ['/messages', { messages: undefined }],
    ['/messages/0/content', { messages: [{ role: 'user', content: null }] }],
    ['/messages/0/role', { messages: [{ role: 'tool', content: 'Hello!' }] }],
    ['/model', { model: '' }],
  ])('is not asked with a wrong %s', async (path, wrong) => {
    // Nobody listens there: whoever is asked all the same cannot be reached.
    const provider = new OpenAICompatibleProvider({ baseURL: 'http://127.0.0.1:1/v1' });
    const asked = { ...request, ...wrong } as unknown as GenerateRequest;
    const refused = { code: 'VALIDATION_FAILED', details: [{ path }] };
    await expect(provider.generate(asked)).rejects.toMatchObject(refused);
    const parts = provider.stream(asked)[Symbol.asyncIterator]();
    await expect(parts.next()).rejects.toMatchObject(refused);
  });
});
