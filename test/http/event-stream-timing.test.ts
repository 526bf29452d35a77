import { EventEmitter, once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo, Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createEventStreams } from '../../src/http/event-streams.ts';
import type { SessionEvent } from '../../src/protocol/types.gen.ts';

const event = (id: number, text = ''): SessionEvent => ({
  id: String(id),
  type: 'context_updated',
  session_id: 's1',
  at: '2025-02-02T11:00:00.000Z',
  data: { mode: 'merge', context: { text }, context_version: id },
});

type Read = (sessionId: string, after: number, limit: number) => Promise<SessionEvent[]>;

/** A server of one session whose log is `readEvents`, with a ping every 20 ms, and a client that has asked. */
async function start(readEvents: Read) {
  const source = Object.assign(new EventEmitter(), { readEvents, settled: () => Promise.resolve() });
  const streams = createEventStreams(source, 20);
  const server = http.createServer((_request, response) => streams.open('s1', 0, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    streams.close();
    server.close();
  });
  const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  const requested = once(server, 'request') as Promise<[http.IncomingMessage, http.ServerResponse]>;
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const [, response] = await requested;
  return { socket, response, streams, source };
}

const huge: Read = async (_id, after, limit) =>
  Array.from({ length: limit }, (_, i) => event(after + i + 1, 'x'.repeat(500_000)));

/** What arrives until it has what is looked for. */
function textUntil(socket: net.Socket, wanted: RegExp): Promise<string> {
  let text = '';
  return new Promise((resolve) => {
    const onData = (chunk: Buffer): void => {
      text += chunk;
      if (!wanted.test(text)) return;
      socket.off('data', onData);
      resolve(text);
    };
    socket.on('data', onData);
  });
}

const idsIn = (text: string): string[] => [...text.matchAll(/\nid: (\d+)\n/g)].map((match) => String(match[1]));

describe('an event stream', () => {
  it('pings while nothing happens', async () => {
    const { socket } = await start(async () => []);
    const text = await textUntil(socket, /(: ping\n\n[^:]*){3}/);
    expect(text).toContain('retry: 1000');
  });

  it('lets others have their turn while what was recorded cannot be read yet, and sends it then', async () => {
    const log: SessionEvent[] = [];
    const { socket, source } = await start(async (_id, after) => log.slice(after));
    const text = textUntil(socket, /\nid: 1\n/);
    source.emit('recorded', event(2));
    await new Promise((resolve) => setTimeout(resolve, 5));
    log.push(event(1), event(2));
    expect(idsIn(await text)).toContain('1');
  });

  it('sends what is recorded while its last read is on the way and comes back empty', async () => {
    const log: SessionEvent[] = [];
    let answer = (_events: SessionEvent[]): void => undefined;
    const firstRead = new Promise<SessionEvent[]>((resolve) => {
      answer = resolve;
    });
    let reads = 0;
    const { socket, source } = await start((_id, after) =>
      reads++ === 0 ? firstRead : Promise.resolve(log.slice(after)),
    );
    log.push(event(1));
    source.emit('recorded', event(1));
    answer([]);
    expect(idsIn(await textUntil(socket, /id: 1\n/))).toEqual(['1']);
  });

  it('does not send again what it has read from the log before it hears of it', async () => {
    const { socket, source } = await start(async (_id, after) => [event(1), event(2)].slice(after));
    await textUntil(socket, /id: 2\n/);
    source.emit('recorded', event(2));
    source.emit('recorded', event(3));
    expect(idsIn(await textUntil(socket, /id: 3\n/))).toEqual(['3']);
  });

  it('reads from the log what it did not hear of', async () => {
    const log: SessionEvent[] = [];
    const { socket, source } = await start(async (_id, after) => log.slice(after));
    await textUntil(socket, /ping/);
    log.push(event(1), event(2), event(3));
    source.emit('recorded', event(3));
    expect(idsIn(await textUntil(socket, /id: 3\n/))).toEqual(['1', '2', '3']);
  });

  it('ends where the log cannot be read', async () => {
    const { socket } = await start(async () => {
      throw new Error('no disk');
    });
    expect(await textUntil(socket, /\r\n0\r\n\r\n$/)).toContain('retry: 1000');
  });

  it('cuts off a client that does not read', async () => {
    const { socket, response } = await start(huge);
    socket.pause();
    await once(response, 'close');
    expect(response.destroyed).toBe(true);
    expect(response.writableLength).toBeLessThan(2 * 1024 * 1024);
  });

  it('ends at once where the server is closing already', async () => {
    const { streams } = await start(async () => []);
    streams.close();
    const response = new http.ServerResponse(new http.IncomingMessage(new Socket()));
    streams.open('s1', 0, response);
    expect(response.writableEnded).toBe(true);
  });
});
