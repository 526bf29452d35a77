import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { oneAtATime } from '../../src/http/pipelining.ts';

/** A connection on which that many requests came at once, by their numbers as paths. */
async function pipelined(listener: RequestListener, count: number) {
  const server = createServer(oneAtATime(listener)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
  onTestFinished(() => {
    socket.destroy();
    server.close();
  });
  const connection = { text: '' };
  socket.on('data', (bytes) => {
    connection.text += bytes;
  });
  const all = Array.from({ length: count }, (_, n) => `GET /${n} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
  socket.write(all.join(''));
  return connection;
}

describe('a listener that is given requests one at a time', () => {
  it('gets the next one of a connection when the one before it is answered', async () => {
    const waiting: { path: string | undefined; response: ServerResponse }[] = [];
    await pipelined((request, response) => waiting.push({ path: request.url, response }), 3);
    for (const path of ['/0', '/1', '/2']) {
      await expect.poll(() => waiting.map((one) => one.path)).toEqual([path]);
      waiting.shift()?.response.end();
    }
  });

  it('gets one of a connection in a turn, however fast it answers', async () => {
    let inTurn = 0;
    let most = 0;
    const connection = await pipelined((request, response) => {
      most = Math.max(most, ++inTurn);
      setImmediate(() => {
        inTurn = 0;
      });
      response.end(`${request.url}\n`);
    }, 50);
    await expect.poll(() => connection.text).toContain('/49');
    expect(most).toBe(1);
    const answers = [...connection.text.matchAll(/^\/(\d+)/gm)].map(([, number]) => Number(number));
    expect(answers).toEqual(Array.from({ length: 50 }, (_, n) => n));
  });
});
