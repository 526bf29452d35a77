// `rateLimit` behind the HTTP door, on a clock that stands still: nothing is given back meanwhile.
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ManualClock } from '../support/manual-clock.ts';
import { startHttp } from './start-http.ts';
import { busKey, openTestBus } from './test-bus.ts';

const limit = 5;
const agent = 'codex://qa';
const envelope = (message_id: string) => ({
  message_id,
  sender: { agent_id: agent },
  recipient: { agent_id: agent },
  message_type: 'status_update',
});

const plain = (id: string) => JSON.stringify(envelope(id));

/** A key may ask five times a second, and has not asked yet. */
async function start() {
  const clock = new ManualClock();
  const failures: unknown[] = [];
  const bus = await openTestBus(failures, { rateLimit: limit, clock });
  onTestFinished(async () => {
    await bus.close();
    expect(failures).toEqual([]);
  });
  const http = await startHttp({ bus });
  await http.call('POST', '/agents/register', { body: { agent_descriptor: { agent_id: agent, capabilities: [] } } });
  clock.advance(1_000);
  let byNode = 0;
  http.app.server.on('request', () => byNode++);
  return { ...http, clock, byNode: () => byNode };
}

/** A connection that stays open for request after request. */
async function openLane(port: number) {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return async (text: string): Promise<string> => {
    const head = ['Host: localhost', `x-agent-api-key: ${busKey}`, 'Content-Type: application/json'];
    socket.write(
      `POST /messages/send HTTP/1.1\r\n${head.join('\r\n')}\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    );
    let answer = '';
    for (;;) {
      answer += String((await once(socket, 'data'))[0]);
      const [headers = '', rest] = answer.split('\r\n\r\n', 2);
      const length = Number(/content-length: (\d+)/i.exec(headers)?.[1]);
      if (rest !== undefined && Buffer.byteLength(rest) >= length) return answer;
    }
  };
}

const times = Array.from({ length: limit }, (_, index) => index);

describe('a key that has asked as often as it may in a second', () => {
  it('is refused on every route with the time to wait, and may ask again then', async () => {
    const { call, clock } = await start();
    for (const _ of times) expect((await call('GET', '/agents')).status).toBe(200);
    const refused = await call('GET', '/sessions');
    expect(refused).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED', retryable: true } });
    expect(refused.headers['retry-after']).toBe('1');
    clock.advance(1_000 / limit);
    expect((await call('GET', '/agents')).status).toBe(200);
    expect((await call('GET', '/agents')).status).toBe(429);
  });

  it('has taken part of that with every envelope of a batch, beside the batch itself', async () => {
    const { call } = await start();
    const messages = [...times, 'more'].map((one) => envelope(`m${one}`));
    const { status, body } = await call('POST', '/messages/batch', { body: { messages } });
    expect(status).toBe(200);
    expect(body.items.map((item: { code?: string }) => item.code)).toEqual([
      ...Array(limit - 1).fill(undefined),
      'RATE_LIMITED',
      'RATE_LIMITED',
    ]);
    expect((await call('GET', '/agents')).status).toBe(429);
  });

  it('has taken it with what the fast lane answers', async () => {
    const { call, port, byNode, clock } = await start();
    const send = await openLane(port);
    for (const one of times) expect(await send(plain(`m${one}`))).toMatch(/^HTTP\/1.1 202 /);
    expect(byNode()).toBe(0);
    expect(await send(plain('more'))).toMatch(/^HTTP\/1.1 429 .*retry-after: 1\r\n.*"code":"RATE_LIMITED"/is);
    expect((await call('GET', '/agents')).status).toBe(429);
    clock.advance(1_000 / limit);
    expect(await send(plain('more'))).toMatch(/^HTTP\/1.1 202 /);
  });

  it.each([
    ['no JSON', '{'],
    ['no envelope', '{}'],
  ])('has taken one with what the fast lane leaves to Node: %s', async (_what, text) => {
    const { call, port, byNode } = await start();
    for (const _ of times) expect(await (await openLane(port))(text)).toMatch(/^HTTP\/1.1 400 /);
    expect(byNode()).toBe(limit);
    expect((await call('GET', '/agents')).status).toBe(429);
  });
});
