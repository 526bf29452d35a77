// A provider that never stops talking: its reply is cut off, whatever it says, and the connection is closed.
import { describe, expect, it, vi } from 'vitest';
import type { ModelProvider } from '../../src/ports/model-provider.ts';
import { startModelServer } from '../support/model-server.ts';
import { everyProvider, everyWay, failureOf, hello } from './every-provider.ts';

const maxReplyBytes = 10_000;

/** Whatever it says, no more of it than this is read. */
const mostRead = 8 * maxReplyBytes + 65_536;

describe.each(everyProvider)('%s', (name, create) => {
  describe.each(everyWay)('%s', (_way, ask) => {
    it.each(['text', 'noise'] as const)(
      'cuts off a reply of %s that never ends, and closes the connection',
      async (of) => {
        const server = await startModelServer();
        server.order({ do: 'babble', noise: of === 'noise' });
        const failure = await failureOf(ask(create({ baseURL: server.baseURL, maxReplyBytes })));
        expect([failure.code, failure.message]).toEqual([
          'PROVIDER_REPLY_TOO_LARGE',
          expect.stringContaining(`The provider ${name} said more than ${maxReplyBytes} bytes`),
        ]);
        const sent = await server.request();
        await vi.waitFor(() => expect(sent.aborted).toBe(true));
      },
    );

    it('takes one of as many bytes as it may have, and none that has one more', async () => {
      const server = await startModelServer();
      const provider = create({ baseURL: server.baseURL, maxReplyBytes });
      // Bytes and no letters are counted.
      const text = 'ü'.repeat(maxReplyBytes / 2);
      server.order({ do: 'answer', text }, { do: 'answer', text: `${text}x` });
      expect(await ask(provider)).toBe(text);
      expect((await failureOf(ask(provider))).code).toBe('PROVIDER_REPLY_TOO_LARGE');
    });

    it('takes letters that JSON needs six bytes for', async () => {
      const server = await startModelServer();
      const text = '\u0001'.repeat(50_000);
      server.order({ do: 'answer', text });
      expect(await ask(create({ baseURL: server.baseURL, maxReplyBytes: 50_000 }))).toBe(text);
    });

    it('cuts off an error that never ends', async () => {
      const server = await startModelServer();
      server.order({ do: 'fail', status: 500, body: 'x'.repeat(2 * mostRead) });
      const failure = await failureOf(ask(create({ baseURL: server.baseURL, maxReplyBytes })));
      expect(failure.code).toBe('PROVIDER_REPLY_TOO_LARGE');
    });
  });

  it('hands out what an endless stream has said up to the limit, and no more', async () => {
    const server = await startModelServer();
    server.order({ do: 'babble' });
    const texts: string[] = [];
    const reading = (async () => {
      for await (const part of create({ baseURL: server.baseURL, maxReplyBytes }).stream(hello)) {
        if (part.type === 'text') texts.push(part.text);
      }
    })();
    expect((await failureOf(reading)).code).toBe('PROVIDER_REPLY_TOO_LARGE');
    expect(texts.join('')).toBe('and so on '.repeat(maxReplyBytes / 10));
  });

  it('takes a stream of many events that is longer than any of them may be', async () => {
    const server = await startModelServer();
    const text = Array.from({ length: 1_000 }, () => 'y');
    server.order({ do: 'answer', text });
    const provider: ModelProvider = create({ baseURL: server.baseURL, maxReplyBytes: 1_000 });
    let said = '';
    for await (const part of provider.stream(hello)) if (part.type === 'text') said += part.text;
    expect(said).toBe(text.join(''));
  });

  it.each([0, -1, 1.5, 2 ** 30, Number.NaN])('refuses %d as maxReplyBytes', async (wrong) => {
    const making = (async () => create({ baseURL: 'http://127.0.0.1:1/v1', maxReplyBytes: wrong }))();
    const failure = await failureOf(making);
    expect([failure.code, failure.details[0]?.path]).toEqual(['CONFIG_INVALID', '/maxReplyBytes']);
  });
});
