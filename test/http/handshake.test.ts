import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { backend, key, startBus } from '../support/running-bus.ts';

const good = {
  host: 'localhost',
  'x-agent-api-key': key,
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

/** The answer to an upgrade, to its end. */
async function upgrade(port: number, headers: Record<string, string | string[] | undefined>, version = '1.1') {
  const lines = Object.entries({ ...good, ...headers }).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((one) => `${name}: ${one}\r\n`),
  );
  const socket = net.connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (bytes) => {
    answer += bytes;
    if (answer.includes(' 101 ')) socket.destroy();
  });
  socket.write(`GET /?agent_id=${backend} HTTP/${version}\r\n${lines.join('')}\r\n`);
  await once(socket, 'close');
  return answer;
}

describe('an upgrade', () => {
  it.each([
    ['without a key', { 'sec-websocket-key': undefined }, 400, 'BAD_REQUEST'],
    [
      'with two keys',
      { 'sec-websocket-key': [good['sec-websocket-key'], good['sec-websocket-key']] },
      400,
      'BAD_REQUEST',
    ],
    ['with a short key', { 'sec-websocket-key': 'abc' }, 400, 'BAD_REQUEST'],
    ['without a version', { 'sec-websocket-version': undefined }, 426, 'UPGRADE_REQUIRED'],
    ['of version 8', { 'sec-websocket-version': '8' }, 426, 'UPGRADE_REQUIRED'],
    ['of version 99', { 'sec-websocket-version': '99' }, 426, 'UPGRADE_REQUIRED'],
    ['without a host', { host: undefined }, 400, 'BAD_REQUEST'],
    ['with a body', { 'content-length': '5' }, 400, 'BAD_REQUEST'],
    ['with a chunked body', { 'transfer-encoding': 'chunked' }, 400, 'BAD_REQUEST'],
    ['with a subprotocol twice', { 'sec-websocket-protocol': 'agent-bus.v1, agent-bus.v1' }, 400, 'BAD_REQUEST'],
    ['with an empty subprotocol', { 'sec-websocket-protocol': 'agent-bus.v1,' }, 400, 'BAD_REQUEST'],
  ])('%s is refused with a problem, and its connection ended', async (_what, headers, status, code) => {
    const bus = await startBus();
    const answer = await upgrade(bus.port, headers);
    expect(answer).toContain(`HTTP/1.1 ${status} `);
    expect(answer).toContain('application/problem+json');
    expect(answer).toContain(`"code":"${code}"`);
    expect(answer.includes('sec-websocket-version: 13')).toBe(status === 426);
  });

  it('of HTTP/1.0 is refused', async () => {
    const bus = await startBus();
    expect(await upgrade(bus.port, {}, '1.0')).toContain('"code":"BAD_REQUEST"');
  });

  it('that keeps the rules is let in', async () => {
    const bus = await startBus();
    expect(await upgrade(bus.port, { 'content-length': '0' })).toContain('HTTP/1.1 101 ');
  });
});
