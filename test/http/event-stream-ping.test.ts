import { EventEmitter, once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createEventStreams } from '../../src/http/event-streams.ts';
import type { SessionEvent } from '../../src/protocol/types.gen.ts';

const big = (id: number): SessionEvent => ({
  id: String(id),
  type: 'context_updated',
  session_id: 's1',
  at: '2025-02-02T11:00:00.000Z',
  data: { mode: 'merge', context: { text: 'x'.repeat(500_000) }, context_version: id },
});

/** A server of one endless session, with a ping every 20 ms. */
async function start(events: number) {
  const source = Object.assign(new EventEmitter(), {
    readEvents: async (_id: string, after: number, limit: number) =>
      Array.from({ length: Math.min(limit, events - after) }, (_, i) => big(after + i + 1)),
  });
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
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  const [, response] = await requested;
  return { socket, response, streams };
}

describe('an event stream', () => {
  it('pings while nothing happens', async () => {
    const { socket } = await start(0);
    let text = '';
    for await (const chunk of socket) {
      text += chunk;
      if ((text.match(/: ping\n\n/g) ?? []).length === 3) break;
    }
    expect(text).toContain(': ping\n\n');
  });

  it('cuts off a client that does not read', async () => {
    const { socket, response } = await start(1000);
    socket.pause();
    await once(response, 'close');
    expect(response.destroyed).toBe(true);
    expect(response.writableLength).toBeLessThan(2 * 1024 * 1024);
  });

  it('ends at once where the server is closing already', async () => {
    const { streams } = await start(0);
    streams.close();
    const ended: string[] = [];
    streams.open('s1', 0, { writeHead() {}, end: () => ended.push('end') } as unknown as http.ServerResponse);
    expect(ended).toEqual(['end']);
  });
});
