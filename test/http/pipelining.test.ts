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

describe('a connection that asks and asks', () => {
  /** Writes more requests for as long as they are taken, to a listener that does not answer before it is told to. */
  async function flood(request: string) {
    const perBlock = Math.ceil(1_000_000 / request.length);
    const seen = { requests: 0 };
    const waiting: ServerResponse[] = [];
    const listener = oneAtATime((_request, response) => waiting.push(response));
    const server = createServer((incoming, response) => {
      seen.requests++;
      listener(incoming, response);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined);
    onTestFinished(() => {
      socket.destroy();
      server.close();
    });
    const block = request.repeat(perBlock);
    for (let i = 0; i < 4; i++) socket.write(block);
    return { socket, seen, waiting, sent: 4 * perBlock };
  }
  const large = `GET / HTTP/1.1\r\nhost: localhost\r\nx-padding: ${'x'.repeat(2_000)}\r\n\r\n`;

  it('is read no further while its requests wait, and on when they are answered', async () => {
    const { socket, seen, waiting, sent } = await flood(large);
    await expect.poll(() => seen.requests, { timeout: 10_000 }).toBeGreaterThan(32);
    let most = 0;
    let answered = 0;
    socket.resume();
    const answer = setInterval(() => {
      most = Math.max(most, seen.requests - answered);
      for (const response of waiting.splice(0)) {
        answered++;
        response.end();
      }
    });
    onTestFinished(() => clearInterval(answer));
    await expect.poll(() => answered, { timeout: 60_000 }).toBe(sent);
    // What a read brings comes on top of those for which reading stops.
    expect(most).toBeLessThan(32 + 2 * 40);
  }, 70_000);

  it('with more than a thousand requests in one packet is cut off', async () => {
    const { socket, seen } = await flood('GET / HTTP/1.1\r\nhost:x\r\n\r\n');
    let closed = false;
    socket.once('close', () => {
      closed = true;
    });
    await expect.poll(() => closed, { timeout: 20_000 }).toBe(true);
    expect(seen.requests).toBeLessThan(10_000);
  }, 30_000);
});
