import Fastify from 'fastify';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { streamTurn } from '../../src/http/chat-stream.ts';
import { toBusError } from '../../src/http/errors.ts';
import { BusError } from '../../src/protocol/errors.ts';
import { agent_config, chats, forever, gate, startChats } from './chat-house.ts';
import { expectProblem, expectValid } from './start-http.ts';
import { busKey } from './test-bus.ts';

const until = (isSo: () => Promise<void> | void) => vi.waitFor(isSo, { timeout: 3_000, interval: 5 });

describe('the chats of a session', () => {
  it('are created, listed, read, switched and deleted', async () => {
    const { call, create } = await startChats();
    const first = await create('c1');
    expect(first).toMatchObject({ status: 201, headers: { location: `${chats}/c1` } });
    expect(first.body.chat).toMatchObject({
      chat_id: 'c1',
      session_id: 's1',
      name: 'Coder',
      state: 'idle',
      active: true,
    });
    expect(first.body.chat.partner).toEqual({ kind: 'model', agent: agent_config });
    await create('c2');
    const list = async () => (await call('GET', chats)).body.items.map((one: { chat_id: string }) => one.chat_id);
    expect(await list()).toEqual(['c1', 'c2']);
    expect((await call('GET', `${chats}/active`)).body.chat.chat_id).toBe('c1');
    expect((await call('POST', `${chats}/c2/switch`)).body.chat).toMatchObject({ chat_id: 'c2', active: true });
    expect((await call('GET', `${chats}/active`)).body.chat.chat_id).toBe('c2');
    expect((await call('DELETE', `${chats}/active`)).body.chat.chat_id).toBe('c2');
    expect(await list()).toEqual(['c1']);
    for (const path of ['active', 'active/history']) {
      expectProblem(await call('GET', `${chats}/${path}`), 409, 'NO_ACTIVE_CHAT');
    }
  });

  it('are with providers of the server: none can be sent, and an unknown one is refused', async () => {
    const { call } = await startChats();
    const ask = (config: object) => call('POST', chats, { body: { agent_config: config } });
    expectProblem(await ask({ ...agent_config, aiProviders: [{ name: 'mine' }] }), 400, 'VALIDATION_FAILED');
    expectProblem(await ask({ ...agent_config, defaultModel: { provider: 'x', model: 'y' } }), 400, 'UNKNOWN_PROVIDER');
    const overrides = { aiProviders: [] };
    expectProblem(await call('POST', chats, { body: { template: 'coder', overrides } }), 400, 'VALIDATION_FAILED');
    expectProblem(await call('POST', chats, { body: {} }), 400, 'VALIDATION_FAILED');
    expect((await call('GET', chats)).body.items).toEqual([]);
  });

  it('of another session are not there', async () => {
    const { call, create } = await startChats();
    await create('c1');
    await call('POST', '/sessions', { body: { session_id: 's2' } });
    for (const [method, path, body] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/switch'],
      ['POST', '/messages', { content: 'Hello!' }],
      ['GET', '/history'],
      ['DELETE', '/history'],
    ] as const) {
      const reply = await call(method, `/sessions/s2/chats/c1${path}`, body && { body });
      expectProblem(reply, 404, 'CHAT_NOT_FOUND');
      expect(reply.text).toBe(
        (await call(method, `/sessions/s2/chats/c9${path}`, body && { body })).text.replace('c9', 'c1'),
      );
    }
    expectProblem(await create('c1', 's2'), 409, 'CHAT_EXISTS');
    expectProblem(await create('active'), 400, 'VALIDATION_FAILED');
  });

  it('are changed once that is durable, and not answered before', async () => {
    const { call, create, store, say } = await startChats();
    await create('c1');
    await say('Hello!');
    const { sessions } = store;
    const append = sessions.append.bind(sessions);
    for (const change of [
      () => create('c2'),
      () => call('POST', `${chats}/c2/switch`),
      () => call('DELETE', `${chats}/c1/history`),
      () => say('And now?'),
      () => call('DELETE', `${chats}/c1`),
    ]) {
      const { opened, open } = gate();
      const asked = gate();
      sessions.append = async (...args) => {
        asked.open();
        await opened;
        return append(...args);
      };
      let isAnswered = false;
      const answer = change().then((reply) => {
        isAnswered = true;
        return reply;
      });
      await asked.opened;
      // A round trip: what needs no disk is answered meanwhile.
      await call('GET', '/sessions/s1');
      expect(isAnswered).toBe(false);
      open();
      expect((await answer).status).toBeLessThan(300);
      sessions.append = append;
    }
  });
});

describe('a message to a chat', () => {
  it('is answered with the reply, and both are in the history', async () => {
    const { call, create, say, model } = await startChats();
    await create('c1');
    const { status, body } = await say('Hello!');
    expect(status).toBe(200);
    expect(body).toEqual({
      success: true,
      chat_id: 'c1',
      turn_id: expect.stringMatching(/^turn_/),
      content: 'echo: Hello!',
      finish_reason: 'stop',
      usage: { input_tokens: 3, output_tokens: 2 },
    });
    await say('And now?', 'c1');
    expect(model.requests[1]?.messages.map(({ content }) => content)).toEqual(['Hello!', 'echo: Hello!', 'And now?']);
    const history = (await call('GET', `${chats}/c1/history`)).body.items;
    expect(history.map(({ role }: { role: string }) => role)).toEqual(['user', 'assistant', 'user', 'assistant']);
    expect(history[1].turn_id).toBe(body.turn_id);
    expect((await call('DELETE', `${chats}/active/history`)).body.chat).toMatchObject({ chat_id: 'c1', turns: 2 });
    expect((await call('GET', `${chats}/c1/history`)).body.items).toEqual([]);
  });

  it('must have a content', async () => {
    const { call, create } = await startChats();
    await create('c1');
    for (const body of [
      {},
      { content: '' },
      { content: 3 },
      { content: 'x', timeout: '5' },
      { content: 'x', more: 1 },
    ]) {
      expectProblem(await call('POST', `${chats}/c1/messages`, { body }), 400, 'VALIDATION_FAILED');
    }
  });

  it('whose provider says when to come back is answered so', async () => {
    const { create, say, model } = await startChats();
    await create('c1');
    model.next(new BusError('PROVIDER_RATE_LIMITED', 'Asked too often.', { retryAfterMs: 20_500 }));
    const limited = await say('Hello!');
    expectProblem(limited, 429, 'PROVIDER_RATE_LIMITED');
    expect(limited.headers['retry-after']).toBe('21');
    model.next(new BusError('PROVIDER_FAILED', 'Down.', { retryAfterMs: 1_000 }));
    expect((await say('Hello!')).headers['retry-after']).toBe('1');
    expect((await say('Hello!')).body.content).toBe('echo: Hello!');
  });

  it('ends by its timeout', async () => {
    const { call, create, model, turns } = await startChats();
    await create('c1');
    model.next(forever);
    const reply = await call('POST', `${chats}/c1/messages`, { body: { content: 'Hello!', timeout: '30ms' } });
    expectProblem(reply, 504, 'CHAT_TIMEOUT');
    expect(model.signals[0]?.aborted).toBe(true);
    expect(await turns()).toEqual(['timed_out']);
  });

  it('is given up when its chat is deleted, its session ends, or the bus stops', async () => {
    const { bus, call, create, say, model, turns } = await startChats();
    const answering = async (how: () => unknown) => {
      model.next(forever);
      const asked = model.requests.length;
      const said = say('Hello!');
      await until(() => expect(model.requests.length).toBe(asked + 1));
      await how();
      return said;
    };
    await create('c1');
    expectProblem(await answering(() => call('DELETE', `${chats}/c1`)), 404, 'CHAT_NOT_FOUND');
    await create('c2');
    await call('POST', `${chats}/c2/switch`);
    expectProblem(await answering(() => call('POST', '/sessions/s1/complete')), 409, 'SESSION_ENDED');
    await call('POST', '/sessions', { body: { session_id: 's2' } });
    await create('c3', 's2');
    model.next(forever);
    const said = call('POST', '/sessions/s2/chats/c3/messages', { body: { content: 'Hello!' } });
    await until(() => expect(model.requests).toHaveLength(3));
    bus.drain();
    expectProblem(await said, 503, 'SHUTTING_DOWN');
    const late = await call('POST', '/sessions/s2/chats/c3/messages', { body: { content: 'Hello!' } });
    expectProblem(late, 503, 'SHUTTING_DOWN');
    expect(model.requests).toHaveLength(3);
    expect(await turns()).toEqual(['aborted']);
    const events = await bus.sessions.readEvents('s2', 0, 100);
    expect(events.at(-1)).toMatchObject({ type: 'chat_turn_ended', data: { status: 'interrupted' } });
  });

  it('is given up with its key', async () => {
    const { call, create, model } = await startChats();
    await create('c1');
    const { secret, key } = (await call('POST', '/keys', { body: {} })).body;
    model.next(forever);
    const said = call('POST', `${chats}/c1/messages`, { key: secret, body: { content: 'Hello!' } });
    await until(() => expect(model.requests).toHaveLength(1));
    await call('DELETE', `/keys/${key.key_id}`);
    expectProblem(await said, 409, 'CHAT_ABORTED');
  });
});

describe('the reply as an event stream', () => {
  it('comes in parts as they are said, and ends with the whole', async () => {
    const { create, stream, model } = await startChats();
    await create('c1');
    const [one, two] = [gate(), gate()];
    model.next('Hel', one.opened, 'lo ', two.opened, 'there');
    const { response, next } = await stream('Hello!');
    expect(response.statusCode).toBe(200);
    expect(response.headers).toMatchObject({ 'content-type': 'text/event-stream; charset=utf-8', vary: 'accept' });
    expect(await next()).toEqual({ type: 'part', data: { text: 'Hel' } });
    one.open();
    expect(await next()).toEqual({ type: 'part', data: { text: 'lo ' } });
    two.open();
    expect(await next()).toEqual({ type: 'part', data: { text: 'there' } });
    const reply = await next();
    expect(reply).toMatchObject({
      type: 'reply',
      data: { chat_id: 'c1', content: 'Hello there', finish_reason: 'stop' },
    });
    expectValid('TurnReply', reply?.data);
    expect(await next()).toBeUndefined();
  });

  it('ends with a problem where it breaks off, and the next turn works', async () => {
    const { create, stream, say, model, turns } = await startChats();
    await create('c1');
    model.next('Hel', new BusError('PROVIDER_REPLY_CUT_OFF', 'Broken off.'));
    const { next } = await stream('Hello!');
    expect((await next())?.type).toBe('part');
    const problem = await next();
    expect(problem).toMatchObject({
      type: 'error',
      data: { status: 502, code: 'PROVIDER_REPLY_CUT_OFF', retryable: true },
    });
    expectValid('Problem', problem?.data);
    expect(await next()).toBeUndefined();
    expect((await say('Again!')).body.content).toBe('echo: Again!');
    expect(await turns()).toEqual(['failed', 'completed']);
  });

  it('is none where nothing was said yet: the answer is the problem, with its status', async () => {
    const { create, stream, model } = await startChats();
    expect((await stream('Hello!')).response.statusCode).toBe(409);
    await create('c1');
    model.next(new BusError('PROVIDER_RATE_LIMITED', 'Asked too often.', { retryAfterMs: 3_000 }));
    const { response } = await stream('Hello!');
    expect(response.statusCode).toBe(429);
    expect(response.headers).toMatchObject({
      'retry-after': '3',
      'content-type': 'application/problem+json; charset=utf-8',
    });
  });

  it('has an end when the bus stops', async () => {
    const { bus, create, stream, model } = await startChats();
    await create('c1');
    model.next('Hel', forever);
    const { next } = await stream('Hello!');
    await next();
    bus.drain();
    expect(await next()).toMatchObject({ type: 'error', data: { code: 'SHUTTING_DOWN' } });
    expect(await next()).toBeUndefined();
  });

  it.each([
    ['who waits for the whole', 'application/json'],
    ['who reads the parts', 'text/event-stream'],
  ])('is given up with its caller, %s, and the next turn works', async (_who, accept) => {
    const { create, say, model, turns, url } = await startChats();
    await create('c1');
    model.next('Hel', forever);
    const caller = new AbortController();
    const headers = { accept, 'x-agent-api-key': busKey, 'content-type': 'application/json' };
    const asking = { method: 'POST', headers, body: '{"content":"Hello!"}', signal: caller.signal };
    fetch(`${url}${chats}/c1/messages`, asking).catch(() => undefined);
    await until(() => expect(model.requests).toHaveLength(1));
    caller.abort();
    await until(async () => expect(await turns()).toEqual(['aborted']));
    expect(model.signals[0]?.aborted).toBe(true);
    expect((await say('Again!')).body.content).toBe('echo: Again!');
  });

  it('shows that it is alive while nothing is said', async () => {
    const app = Fastify();
    onTestFinished(() => app.close());
    const { opened, open } = gate();
    app.get('/', (_request, reply) => {
      async function* turn() {
        await opened;
        yield 'Hello';
        return { content: 'Hello', turn_id: 'turn_1' };
      }
      return streamTurn(turn(), 'c1', reply, toBusError, 10);
    });
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const response = await fetch(url);
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk);
      if (text.split(': ping\n\n').length > 3) open();
    }
    expect(text).toMatch(/^(: ping\n\n){3,}event: part\ndata: \{"text":"Hello"\}\n\n/);
    expect(text).toMatch(
      /event: reply\ndata: \{"success":true,"chat_id":"c1","turn_id":"turn_1","content":"Hello"\}\n\n$/,
    );
  });
});
