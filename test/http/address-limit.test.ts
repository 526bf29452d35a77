import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { clientOf } from '../../src/http/address-limit.ts';
import { SocketClient } from '../support/socket-client.ts';
import { startHttp } from './start-http.ts';
import { busKey, config } from './test-bus.ts';

/** Its connections come from `from`, as far as the bus can tell. */
async function start(maxConnectionsPerAddress: number, from: string) {
  const http = await startHttp({ config: { ...config, maxConnectionsPerAddress } });
  const origin = { from };
  http.app.server.prependListener('connection', (socket) => {
    Object.defineProperty(socket, 'remoteAddress', { value: origin.from });
  });
  return { ...http, origin };
}

/** Asks on a connection that stays open. */
async function ask(port: number): Promise<{ socket: net.Socket; answer: string }> {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  socket.write('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n');
  return { socket, answer: String((await once(socket, 'data'))[0]) };
}

describe('a client', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::1', '::1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['::9', '0:0:0:0::/64'],
    ['2001:db8:1:2:3:4::', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['2001:DB8:1:3::9', '2001:db8:1:3::/64'],
  ])('with the address %s counts as %s', (from, client) => {
    expect(clientOf(from)).toBe(client);
  });
});

describe('maxConnectionsPerAddress', () => {
  it('is where the next connection is told so and ended, until one is free; sockets count', async () => {
    const { port, origin } = await start(2, '2001:db8::1');
    const socketUrl = `ws://127.0.0.1:${port}/?agent_id=a://b`;
    const client = await SocketClient.open(socketUrl, [], { headers: { 'x-agent-api-key': busKey } });
    expect((await ask(port)).answer).toMatch(/^HTTP\/1.1 200 /);
    origin.from = '2001:db8::2';
    const { socket, answer } = await ask(port);
    expect(answer).toMatch(/^HTTP\/1.1 503 .*"code":"TOO_MANY_CONNECTIONS"/s);
    await expect.poll(() => socket.destroyed).toBe(true);
    // Nobody else is concerned.
    origin.from = '192.0.2.7';
    expect((await ask(port)).answer).toMatch(/^HTTP\/1.1 200 /);
    origin.from = '2001:db8::1';
    await client.close();
    await expect.poll(async () => (await ask(port)).answer).toMatch(/^HTTP\/1.1 200 /);
  });

  it.each([
    ['does not concern loopback', 1, '127.0.0.1'],
    ['does not concern loopback in IPv6', 1, '::1'],
    ['does not concern loopback in a socket of both families', 1, '::ffff:127.0.0.1'],
    ['is off with 0', 0, '192.0.2.7'],
  ])('%s', async (_what, limit, from) => {
    const { port } = await start(limit, from);
    for (let count = 0; count < 4; count++) expect((await ask(port)).answer).toMatch(/^HTTP\/1.1 200 /);
  });
});
