import { createServer } from 'node:net';
import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ErrorCode } from '../../src/protocol/errors.ts';
import { AnthropicProvider } from '../../src/providers/anthropic.ts';
import { OpenAIProvider } from '../../src/providers/openai.ts';
import { type Behaviour, startModelServer } from '../support/model-server.ts';
import { canary, everyProvider, everyWay, failureOf, hello, readStream } from './every-provider.ts';

const cases: [what: string, code: ErrorCode, words: RegExp, behaviour: Behaviour][] = [
  ['a wrong key', 'PROVIDER_UNAUTHORIZED', /refused the key \(401\)/, { do: 'fail', status: 401 }],
  [
    'a key without rights',
    'PROVIDER_UNAUTHORIZED',
    /\(403\): not you/,
    { do: 'fail', status: 403, message: 'not you' },
  ],
  [
    'too many requests',
    'PROVIDER_RATE_LIMITED',
    /\(429\): slow down/,
    { do: 'fail', status: 429, message: 'slow down' },
  ],
  [
    'a wrong request',
    'PROVIDER_REFUSED',
    /\(404\): no such model/,
    { do: 'fail', status: 404, message: 'no such model' },
  ],
  ['a failure', 'PROVIDER_FAILED', /\(500\): oh no/, { do: 'fail', status: 500, message: 'oh no' }],
  ['a failure in HTML', 'PROVIDER_FAILED', /\(502\): Bad Gateway/, { do: 'fail', status: 502, body: '<html>' }],
  ['a redirect', 'PROVIDER_REFUSED', /\(307\)/, { do: 'fail', status: 307, headers: { location: '/v2/elsewhere' } }],
  [
    'a web page',
    'PROVIDER_REFUSED',
    /web page.*check its base URL/,
    { do: 'fail', status: 200, body: '<html>', headers: { 'content-type': 'text/html; charset=utf-8' } },
  ],
  ['silence', 'PROVIDER_TIMEOUT', /silent for 300ms/, { do: 'hang', after: 0 }],
  ['silence in the middle', 'PROVIDER_TIMEOUT', /silent for 300ms/, { do: 'hang', after: 2 }],
  ['a broken connection', 'PROVIDER_REPLY_CUT_OFF', /broke its answer off/, { do: 'cut' }],
  ['no JSON', 'PROVIDER_REPLY_INVALID', /cannot be read/, { do: 'garble', text: '{"choices": [' }],
  ['other JSON', 'PROVIDER_REPLY_INVALID', /cannot be read/, { do: 'garble', text: '{"choices":"x","type":"x"}' }],
  ['no object', 'PROVIDER_REPLY_INVALID', /cannot be read/, { do: 'garble', text: '17' }],
];

/** Until the test ends, time passes only where the test says so: not while a busy machine is slow to answer. */
function stopTime(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
}

/** Lets time pass until this is over. */
async function outlast<T>(work: Promise<T>): Promise<T> {
  let isOver = false;
  const over = work.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    vi.advanceTimersByTime(10);
    await new Promise(setImmediate);
  }
  return over;
}

describe.each(everyProvider)('%s', (name, create) => {
  describe.each(everyWay)('%s', (_way, ask) => {
    it.each(cases)('says of %s %s, sends it once, and works the next time', async (_what, code, words, behaviour) => {
      const server = await startModelServer();
      server.order(behaviour);
      // Long enough for the second answer on a busy machine.
      const provider = create({ baseURL: server.baseURL, ...(behaviour.do === 'hang' && { timeout: 300 }) });
      const failure = await failureOf(ask(provider));
      expect(failure.code).toBe(code);
      expect(failure.message).toMatch(words);
      expect(failure.message).toContain(`The provider ${name} `);
      expect(server.requests).toHaveLength(1);
      expect(await ask(provider)).not.toBe('');
    });

    it.each([
      ['retry-after in seconds', { 'retry-after': '7' }, 7_000],
      ['retry-after-ms', { 'retry-after-ms': '1500', 'retry-after': '2' }, 1_500],
      ['nothing', {}, undefined],
      ['nonsense', { 'retry-after': 'soon' }, undefined],
    ])('tells when to ask again, out of %s', async (_what, headers, expected) => {
      const server = await startModelServer();
      server.order({ do: 'fail', status: 429, headers });
      const failure = await failureOf(ask(create({ baseURL: server.baseURL })));
      expect([failure.code, failure.retryAfterMs]).toEqual(['PROVIDER_RATE_LIMITED', expected]);
    });

    it('tells when to ask again, out of a date', async () => {
      const server = await startModelServer();
      const date = new Date(Date.now() + 60_000).toUTCString();
      server.order({ do: 'fail', status: 503, headers: { 'retry-after': date } });
      const failure = await failureOf(ask(create({ baseURL: server.baseURL })));
      expect(failure.retryAfterMs).toBeGreaterThan(50_000);
      expect(failure.retryAfterMs).toBeLessThanOrEqual(60_000);
    });

    it('ends with PROVIDER_ABORTED, and the request with it, when its caller aborts', async () => {
      const server = await startModelServer();
      server.order({ do: 'hang' });
      const abort = new AbortController();
      const failing = failureOf(ask(create({ baseURL: server.baseURL }), abort.signal));
      const sent = await server.request();
      abort.abort();
      expect((await failing).code).toBe('PROVIDER_ABORTED');
      await vi.waitFor(() => expect(sent.aborted).toBe(true));
    });

    it('ends the request that was silent for too long', async () => {
      const server = await startModelServer();
      stopTime();
      server.order({ do: 'hang' });
      const failing = failureOf(ask(create({ baseURL: server.baseURL, timeout: '50ms' })));
      const sent = await server.request();
      await outlast(failing);
      await vi.waitFor(() => expect(sent.aborted).toBe(true));
    });

    it('sends nothing when its caller has aborted before', async () => {
      const server = await startModelServer();
      const failure = await failureOf(ask(create({ baseURL: server.baseURL }), AbortSignal.abort()));
      expect([failure.code, server.requests]).toEqual(['PROVIDER_ABORTED', []]);
    });

    it('says that nobody listens', async () => {
      const closed = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => closed.once('listening', resolve));
      const { port } = closed.address() as { port: number };
      await new Promise((resolve) => closed.close(resolve));
      const failure = await failureOf(ask(create({ baseURL: `http://127.0.0.1:${port}/v1` })));
      expect(failure.code).toBe('PROVIDER_UNREACHABLE');
      expect(failure.message).toContain('ECONNREFUSED');
    });

    it('sends one request whatever becomes of it', async () => {
      const server = await startModelServer();
      const provider = create({ baseURL: server.baseURL, timeout: 100 });
      stopTime();
      for (const [, , , behaviour] of cases) {
        server.order(behaviour);
        const failing = failureOf(ask(provider));
        await server.request();
        await (behaviour.do === 'hang' ? outlast(failing) : failing);
      }
      expect(server.requests).toHaveLength(cases.length);
    });

    it('never shows its key, whatever the provider answers', async () => {
      const server = await startModelServer();
      const provider = create({ baseURL: server.baseURL, timeout: 100 });
      const printed = (['debug', 'info', 'log', 'warn', 'error'] as const).map((level) => vi.spyOn(console, level));
      onTestFinished(() => void vi.restoreAllMocks());
      const echoes: Behaviour[] = [
        ...[400, 401, 403, 429, 500].map(
          (status): Behaviour => ({ do: 'fail', status, message: `key ${'x'.repeat(280)}${canary} is odd: ${canary}` }),
        ),
        { do: 'fail', status: 400, message: `key ${canary.slice(0, 8)}...${canary.slice(-4)} is odd` },
        { do: 'fail', status: 500, body: canary },
        { do: 'garble', text: canary },
        { do: 'garble', text: JSON.stringify({ error: { message: canary } }) },
        { do: 'garble', text: JSON.stringify({ type: 'error', error: { type: 'x', message: canary } }) },
        { do: 'hang' },
        { do: 'cut' },
      ];
      stopTime();
      for (const echo of echoes) {
        server.order(echo);
        const failing = failureOf(ask(provider));
        await server.request();
        const failure = await (echo.do === 'hang' ? outlast(failing) : failing);
        const shown = inspect(failure, { depth: 9, showHidden: true }) + JSON.stringify(failure) + failure.stack;
        expect(shown).not.toContain(canary.slice(0, 8));
        expect(shown).not.toContain(canary.slice(-4));
        expect(shown).not.toContain('Hello');
      }
      for (const spy of printed) expect(spy).not.toHaveBeenCalled();
      expect(server.requests).toHaveLength(echoes.length);
    });
  });

  it('says of a stream that ends without a reason that it was cut off', async () => {
    const server = await startModelServer();
    server.order({ do: 'cut', after: 2, politely: true });
    const texts: string[] = [];
    const reading = (async () => {
      for await (const part of create({ baseURL: server.baseURL }).stream(hello))
        if (part.type === 'text') texts.push(part.text);
    })();
    expect((await failureOf(reading)).code).toBe('PROVIDER_REPLY_CUT_OFF');
    expect(texts).toEqual(['Hel', 'lo ']);
  });

  it('passes on what a provider says went wrong in the middle of a stream', async () => {
    const server = await startModelServer();
    const error = { type: 'overloaded_error', message: 'too much to do' };
    server.order({ do: 'garble', text: JSON.stringify({ type: 'error', error }) });
    const reading = (async () => {
      for await (const _part of create({ baseURL: server.baseURL }).stream(hello));
    })();
    const failure = await failureOf(reading);
    expect([failure.code, failure.message]).toEqual(['PROVIDER_FAILED', expect.stringContaining('too much to do')]);
  });

  it.each([
    ['in the words of Anthropic', { type: 'rate_limit_error', message: 'slow down' }],
    ['in the words of OpenAI', { type: 'tokens', code: 'rate_limit_exceeded', message: 'slow down' }],
    ['by its number', { type: 'error', code: 429, message: 'slow down' }],
  ])('knows a rate limit in a stream, %s, before its text and in the middle', async (_words, error) => {
    const server = await startModelServer();
    const provider = create({ baseURL: server.baseURL });
    for (const after of [0, 1]) {
      // Anthropic has no codes.
      server.order({ do: 'garble', text: JSON.stringify({ type: 'error', error }), after });
      const failure = await failureOf(readStream(provider.stream(hello)));
      const expected = name === 'anthropic' && error.type !== 'rate_limit_error' ? 'FAILED' : 'RATE_LIMITED';
      expect([failure.code, failure.message]).toEqual([`PROVIDER_${expected}`, expect.stringContaining('slow down')]);
    }
  });

  it('knows a rate limit that is all that a stream says', async () => {
    const server = await startModelServer();
    const error = { type: 'rate_limit_error', message: 'slow down' };
    server.order({ do: 'garble', text: JSON.stringify({ type: 'error', error }), after: Number.NEGATIVE_INFINITY });
    const failure = await failureOf(readStream(create({ baseURL: server.baseURL }).stream(hello)));
    expect([failure.code, failure.message]).toEqual(['PROVIDER_RATE_LIMITED', expect.stringContaining('slow down')]);
  });

  it('is not timed out by a reader who takes long', async () => {
    const server = await startModelServer();
    const texts: string[] = [];
    stopTime();
    for await (const part of create({ baseURL: server.baseURL, timeout: 40 }).stream(hello)) {
      await vi.advanceTimersByTimeAsync(60);
      if (part.type === 'text') texts.push(part.text);
    }
    expect(texts.join('')).toBe('Hello there');
  });

  it('shows its name and its models only', () => {
    const provider = create({ baseURL: 'http://127.0.0.1:1/v1', models: ['large'] });
    const shown = inspect(provider, { depth: 9, showHidden: true }) + JSON.stringify({ provider });
    expect(shown).not.toContain(canary);
    expect(JSON.parse(JSON.stringify(provider))).toEqual({ name, models: ['large'] });
  });

  it.each([
    ['baseURL', { baseURL: 'api.example.com' }],
    ['baseURL', { baseURL: 'http://user:password@127.0.0.1/v1' }],
    ['timeout', { timeout: '6m' }],
    ['timeout', { timeout: 0 }],
    ['timeout', { timeout: 'soon' }],
  ])('refuses a wrong %s: %j', async (option, wrong) => {
    const failure = await failureOf((async () => create({ baseURL: 'http://127.0.0.1:1/v1', ...wrong }))());
    expect([failure.code, failure.details[0]?.path]).toEqual(['CONFIG_INVALID', `/${option}`]);
    expect(failure.message).not.toContain('password@');
  });

  it('refuses a key that no header can carry, without showing it', async () => {
    const apiKey = `${canary}\n`;
    const failure = await failureOf((async () => create({ baseURL: 'http://127.0.0.1:1/v1', apiKey }))());
    expect(failure.code).toBe('PROVIDER_KEY_MISSING');
    expect(inspect(failure)).not.toContain(canary);
  });
});

it.each([OpenAIProvider, AnthropicProvider])(
  '%o cannot be made without a key, whatever the environment holds',
  async (Provider) => {
    vi.stubEnv('OPENAI_API_KEY', canary);
    vi.stubEnv('ANTHROPIC_API_KEY', canary);
    onTestFinished(() => void vi.unstubAllEnvs());
    for (const apiKey of [undefined, '']) {
      expect((await failureOf((async () => new Provider({ apiKey }))())).code).toBe('PROVIDER_KEY_MISSING');
    }
  },
);
