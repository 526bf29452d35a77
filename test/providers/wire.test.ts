import { afterEach, describe, expect, it, vi } from 'vitest';
import type { GenerateRequest, ModelProvider } from '../../src/ports/model-provider.ts';
import { OpenAICompatibleProvider } from '../../src/providers/openai-compatible.ts';
import { tokens } from '../support/model-dialects.ts';
import { startModelServer } from '../support/model-server.ts';
import { canary, everyProvider, everyWay, failureOf, hello, readStream } from './every-provider.ts';

afterEach(() => vi.restoreAllMocks());

const history = [
  { role: 'user', content: 'One' },
  { role: 'assistant', content: 'Two' },
  { role: 'user', content: 'Three' },
] as const;
const request: GenerateRequest = {
  model: 'gpt-4',
  temperature: 0.3,
  maxTokens: 99,
  messages: [{ role: 'system', content: 'You are thorough.' }, ...history],
};

/** What arrived, in one form for all dialects. */
function asked(body: Record<string, unknown>) {
  const { model, temperature, max_tokens: maxTokens, messages, system } = body;
  const flat = (content: unknown) =>
    Array.isArray(content) ? content.map(({ text }: { text: string }) => text).join('') : content;
  const said = (messages as { role: string; content: unknown }[]).map(({ role, content }) => [role, flat(content)]);
  return { model, temperature, maxTokens, said: system === undefined ? said : [['system', flat(system)], ...said] };
}

const ways: [string, (provider: ModelProvider) => Promise<unknown>][] = [
  ['generate', (provider) => provider.generate(request)],
  ['stream', (provider) => readStream(provider.stream(request))],
];

describe.each(everyProvider)('%s', (name, create) => {
  it.each(ways)('puts model, temperature, system message and history on the wire (%s)', async (_way, ask) => {
    const server = await startModelServer();
    await ask(create({ baseURL: server.baseURL }));
    const [{ path, headers, body }, ...more] = server.requests as [(typeof server.requests)[0]];
    expect(more).toEqual([]);
    expect(path).toBe(name === 'anthropic' ? '/v1/messages' : '/v1/chat/completions');
    expect(name === 'anthropic' ? headers['x-api-key'] : headers.authorization?.slice(7)).toBe(canary);
    expect(asked(body)).toEqual({
      model: 'gpt-4',
      temperature: 0.3,
      maxTokens: 99,
      said: [
        ['system', 'You are thorough.'],
        ['user', 'One'],
        ['assistant', 'Two'],
        ['user', 'Three'],
      ],
    });
  });

  it('says no temperature and no system message where none is configured', async () => {
    const server = await startModelServer();
    await create({ baseURL: server.baseURL }).generate(hello);
    const body = server.requests[0]?.body;
    expect(body).not.toHaveProperty('temperature');
    expect(asked(body).said).toEqual([['user', 'Hello']]);
  });

  it('hands out text, finish reason and token usage', async () => {
    const server = await startModelServer();
    server.order({ do: 'answer', text: 'Fine.', delayMs: 20 }, { do: 'answer', text: 'Fi', finish: 'length' });
    const provider = create({ baseURL: server.baseURL });
    const usage = { inputTokens: tokens.input, outputTokens: tokens.output, totalTokens: tokens.input + tokens.output };
    expect(await provider.generate(hello)).toEqual({ text: 'Fine.', finishReason: 'stop', usage });
    expect(await provider.generate(hello)).toEqual({ text: 'Fi', finishReason: 'length', usage });
  });

  it('streams the text as it comes and ends with the same result', async () => {
    const server = await startModelServer();
    server.order({ do: 'answer', text: ['Fi', 'ne', '.'], finish: 'length' });
    const { texts, result } = await readStream(create({ baseURL: server.baseURL }).stream(hello));
    const usage = { inputTokens: tokens.input, outputTokens: tokens.output, totalTokens: tokens.input + tokens.output };
    expect(texts).toEqual(['Fi', 'ne', '.']);
    expect(result).toEqual({ text: 'Fine.', finishReason: 'length', usage });
  });

  it('hands out a part of a stream before the next one is there', async () => {
    const server = await startModelServer();
    server.order({ do: 'hang', after: 1 });
    const parts = create({ baseURL: server.baseURL }).stream(hello)[Symbol.asyncIterator]();
    expect(await parts.next()).toEqual({ done: false, value: { type: 'text', text: 'Hel' } });
    await parts.return?.();
  });

  it('ends the request when nobody reads the stream any more', async () => {
    const server = await startModelServer();
    server.order({ do: 'hang', after: 1 });
    for await (const _part of create({ baseURL: server.baseURL }).stream(hello)) break;
    const sent = await server.request();
    await vi.waitFor(() => expect(sent.aborted).toBe(true));
  });

  it('sends nothing before the stream is read', async () => {
    const server = await startModelServer();
    const provider = create({ baseURL: server.baseURL });
    provider.stream(hello);
    await provider.generate(hello);
    expect(server.requests.map(({ body }) => body.stream ?? false)).toEqual([false]);
  });

  it('has the name that it is given', () => {
    expect(create({ baseURL: 'http://127.0.0.1:1' }).name).toBe(name);
    expect(create({ baseURL: 'http://127.0.0.1:1', name: 'fast' }).name).toBe('fast');
  });

  it('refuses other models than its own, and conversations that no model takes, before anything is sent', async () => {
    const server = await startModelServer();
    const provider = create({ baseURL: server.baseURL, models: ['large'] });
    expect((await failureOf(provider.generate(hello))).code).toBe('UNKNOWN_MODEL');
    const system = { role: 'system', content: 'Be kind.' } as const;
    for (const messages of [[], [system], [...history, system]]) {
      const refusal = await failureOf(readStream(provider.stream({ model: 'large', messages })));
      expect(refusal.code).toBe('VALIDATION_FAILED');
      expect(refusal.details[0]?.path).toMatch(/^\/messages/);
    }
    expect(server.requests).toEqual([]);
  });
});

describe('a model that cannot do all that it is asked', () => {
  it.each(everyWay)('has that in the result, and prints nothing (%s)', async (way) => {
    const printed = (['info', 'warn', 'error', 'log'] as const).map((level) => vi.spyOn(console, level));
    const server = await startModelServer();
    const [, create] = everyProvider[0] ?? [];
    const provider = create?.({ baseURL: server.baseURL });
    const warm = { ...hello, model: 'o3', temperature: 1.5 };
    const result =
      way === 'generate' ? await provider?.generate(warm) : (await readStream(provider?.stream(warm) ?? none())).result;
    expect(result?.warnings).toEqual([expect.stringMatching(/^temperature: /)]);
    expect(server.requests[0]?.body).not.toHaveProperty('temperature');
    for (const spy of printed) expect(spy).not.toHaveBeenCalled();
  });
  async function* none() {}
});

it('an OpenAI-compatible provider without a key sends none, whatever the environment holds', async () => {
  vi.stubEnv('OPENAI_API_KEY', canary);
  const server = await startModelServer();
  await new OpenAICompatibleProvider({ baseURL: server.baseURL }).generate(hello);
  vi.unstubAllEnvs();
  expect(JSON.stringify(server.requests[0]?.headers)).not.toContain(canary);
  expect(server.requests[0]?.headers).not.toHaveProperty('authorization');
});
