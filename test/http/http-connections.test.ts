import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createHttpServer } from '../../src/http/http-server.ts';
import { backend, key, startBus } from '../support/running-bus.ts';
import { config } from './test-bus.ts';

const request = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\nx-agent-api-key: ${key}\r\n\r\n`;

function open(port: number) {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  const connection = { socket, text: '', closed: false };
  socket.on('data', (bytes) => {
    connection.text += bytes;
  });
  socket.on('close', () => {
    connection.closed = true;
  });
  return connection;
}

describe('plain connections', () => {
  it('beyond maxHttpConnections are told so and ended, until one is free; sockets do not count', async () => {
    const bus = await startBus({ maxHttpConnections: 2 });
    await bus.connect(backend);
    const [first, second] = [open(bus.port), open(bus.port)];
    for (const { socket } of [first, second]) socket.write(request('/health'));
    await expect.poll(() => [first?.text, second?.text].every((text) => text?.includes('200 OK'))).toBe(true);
    const third = open(bus.port);
    await once(third.socket, 'close');
    expect(third.text).toContain('HTTP/1.1 503 ');
    expect(third.text).toContain('"code":"TOO_MANY_CONNECTIONS"');
    first?.socket.destroy();
    await expect.poll(async () => (await bus.call('GET', '/health').catch(() => undefined))?.status).toBe(200);
  });

  it('that do not read their answers are cut off after slowReaderTimeout, and others are not', async () => {
    const bus = await startBus({ slowReaderTimeout: 400, maxBufferedBytes: 65_536 });
    await bus.register('a://b');
    const slow = open(bus.port);
    slow.socket.pause().write(request('/openapi.json').repeat(400));
    const idle = open(bus.port);
    idle.socket.write(request('/agents/a://b/messages?wait=3s'));
    await expect.poll(() => idle.text, { timeout: 10_000 }).toContain('200 OK');
    slow.socket.resume();
    await expect.poll(() => slow.closed, { timeout: 10_000 }).toBe(true);
    expect(slow.text.split('HTTP/1.1 200 OK').length - 1).toBeLessThan(400);
    expect(idle.closed).toBe(false);
  });

  it('that ask without end and without a key are cut off, and others are answered meanwhile', async () => {
    const bus = await startBus({ slowReaderTimeout: 1_000 });
    const flood = open(bus.port);
    const requests = 'GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(50_000);
    flood.socket.pause().write(requests);
    expect((await bus.call('GET', '/health')).status).toBe(200);
    flood.socket.resume();
    await expect.poll(() => flood.closed, { timeout: 20_000 }).toBe(true);
    expect(flood.text.split('HTTP/1.1 200 OK').length - 1).toBeLessThan(50_000);
  }, 30_000);
});

describe('one large answer', () => {
  /** A server that says so much in one write. */
  async function served(megabytes: number) {
    const limits = { ...config, slowReaderTimeout: 1_000, maxBufferedBytes: 1_048_576 };
    const server = createHttpServer((_request, response) => response.end(Buffer.alloc(megabytes * 2 ** 20)), limits);
    const ended = { by: 0 };
    server.on('connection', (socket: net.Socket) => socket.once('close', () => ended.by++));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const client = open((server.address() as AddressInfo).port);
    client.socket.removeAllListeners('data').pause().write(request('/'));
    return { client, ended };
  }

  it('is given up when nothing of it is read, however much there would be to read', async () => {
    const { ended } = await served(64);
    await expect.poll(() => ended.by, { timeout: 20_000 }).toBe(1);
  }, 30_000);

  it('is read to its end by who takes its time', async () => {
    const { client } = await served(48);
    let read = 0;
    client.socket.on('data', ({ length }) => {
      read += length;
      client.socket.pause();
    });
    client.socket.pause();
    const step = setInterval(() => client.socket.resume(), 4);
    onTestFinished(() => clearInterval(step));
    await expect.poll(() => read, { timeout: 50_000 }).toBeGreaterThan(48 * 2 ** 20);
  }, 60_000);
});

describe('an expectation', () => {
  it('that the bus does not know is passed over', async () => {
    const bus = await startBus();
    const one = open(bus.port);
    one.socket.write(request('/health').replace('\r\n\r\n', '\r\nexpect: a-miracle\r\n\r\n'));
    await expect.poll(() => one.text).toContain('HTTP/1.1 200 OK');
  });
});

describe('a request without a host', () => {
  it('is refused with a problem', async () => {
    const bus = await startBus();
    const one = open(bus.port);
    one.socket.write(request('/health').replace('host: localhost\r\n', ''));
    await once(one.socket, 'close');
    expect(one.text).toContain('HTTP/1.1 400 ');
    expect(one.text).toContain('"code":"BAD_REQUEST"');
  });
});

describe('a client that asks to close', () => {
  it('is told that the connection closes, also behind a body that was refused', async () => {
    const bus = await startBus();
    const one = open(bus.port);
    const head = request('/messages/send').replace('GET', 'POST').replace('\r\n\r\n', '\r\nconnection: close\r\n');
    one.socket.write(`${head}content-type: application/json\r\ncontent-length: 1\r\n\r\n{`);
    await once(one.socket, 'close');
    expect(one.text).toContain('"code":"MALFORMED_JSON"');
    expect(one.text.toLowerCase()).toContain('\r\nconnection: close\r\n');
  });
});

describe('the time limits of a connection', () => {
  it.each([
    ['in plain text', undefined],
    ['with TLS', { cert: '', key: '' }],
  ])('are set: %s', (_how, tls) => {
    const server = createHttpServer(() => undefined, config, tls);
    const { headersTimeout, requestTimeout, keepAliveTimeout } = server;
    expect({ headersTimeout, requestTimeout, keepAliveTimeout }).toEqual({
      headersTimeout: 10_000,
      requestTimeout: 15_000,
      keepAliveTimeout: 72_000,
    });
    server.emit('close');
  });
});
