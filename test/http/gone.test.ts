import net, { type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Authenticate } from '../../src/bus/identity.ts';
import type { AppOptions } from '../../src/http/app.ts';
import { SocketClient } from '../support/socket-client.ts';
import { register, startHttp } from './start-http.ts';
import { busKey, config, openTestBus } from './test-bus.ts';

/** A door whose `slow` credential is known to be good when the connection that sent it is closed. */
async function slowDoor(options: Partial<AppOptions> = {}) {
  const bus = await openTestBus();
  onTestFinished(() => bus.close());
  const http = await startHttp({ bus, ...options });
  const door = { ...http, held: 0, admitted: 0, asked: 0 };
  const hold = bus.access.hold.bind(bus.access);
  vi.spyOn(bus.access, 'hold').mockImplementation((principal, end) => {
    door.held++;
    const release = hold(principal, end);
    return () => {
      door.held--;
      release();
    };
  });
  const { authenticate } = bus;
  const slowly: Authenticate = (credential) => (credential === 'slow' ? afterwards() : authenticate(credential));
  Object.assign(bus, { authenticate: slowly });
  const afterwards = async () => {
    door.asked++;
    const [socket] = sockets.slice(-1);
    // The reset comes as an error before the close.
    if (socket && !socket.closed) await new Promise((resolve) => socket.once('close', resolve));
    await nextTurn();
    door.admitted++;
    return authenticate(busKey);
  };
  const sockets: Socket[] = [];
  http.app.server.prependListener('connection', (socket) => sockets.push(socket));
  return door;
}

describe('of a client that left while its credential was looked at', () => {
  it.each([
    ['a pull', '/agents/a://b/messages?wait=60s'],
    ['an event stream', '/sessions/s1/events'],
  ])('%s is over at once', async (_what, path) => {
    const door = await slowDoor();
    await register(door, 'a://b');
    await door.call('POST', '/sessions', { body: { session_id: 's1' } });
    const head = `GET ${path} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\nx-agent-api-key: slow\r\n\r\n`;
    const client = net.connect(door.port, '127.0.0.1').on('error', () => undefined);
    client.write(head);
    await expect.poll(() => door.asked, { timeout: 10_000 }).toBe(1);
    client.resetAndDestroy();
    await expect.poll(() => door.admitted, { timeout: 10_000 }).toBeGreaterThan(0);
    await expect.poll(() => door.held).toBe(0);
    const { body: reply } = await door.call('GET', '/agents/a://b');
    expect(door.held).toBe(0);
    expect(reply.agent.online).toBe(false);
  });

  it('a socket takes no place', async () => {
    const door = await slowDoor({ config: { ...config, maxConnections: 1 } });
    const client = net.connect(door.port, '127.0.0.1').on('error', () => undefined);
    client.write(
      'GET /?agent_id=a://b HTTP/1.1\r\nhost: localhost\r\nx-agent-api-key: slow\r\nconnection: upgrade\r\n' +
        'upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await expect.poll(() => door.asked, { timeout: 10_000 }).toBe(1);
    client.resetAndDestroy();
    await expect.poll(() => door.admitted, { timeout: 10_000 }).toBe(1);
    await nextTurn();
    const url = `${door.url.replace('http', 'ws')}/?agent_id=a://b`;
    const socket = await SocketClient.open(url, [], { headers: { 'x-agent-api-key': busKey } });
    await socket.close();
  });
});
