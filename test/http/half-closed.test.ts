// Clients that send their request, say that no more will come, and go on reading, as `printf ... | nc -N` does.
import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { backend, envelope, orchestrator } from '../support/running-bus.ts';
import { expectProblem, type Http, type Reply, register, startHttp } from './start-http.ts';
import { busKey } from './test-bus.ts';

function bytesOf(method: string, path: string, body?: object, accept = '*/*'): string {
  const text = body === undefined ? '' : JSON.stringify(body);
  return (
    `${method} ${path} HTTP/1.1\r\nhost: localhost\r\nx-agent-api-key: ${busKey}\r\naccept: ${accept}\r\n` +
    `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
  );
}

/** Connects, writes and says the end in one go. @returns everything that comes until the server has ended it too. */
async function sayAndEnd({ port }: Http, bytes: string): Promise<string> {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }).setEncoding('utf8');
  socket.end(bytes);
  let text = '';
  socket.on('data', (more) => {
    text += more;
  });
  await once(socket, 'end');
  return text;
}

function replyIn(text: string): Pick<Reply, 'status' | 'body' | 'text'> {
  const body = text.slice(text.indexOf('\r\n\r\n') + 4);
  return { status: Number(text.slice(9, 12)), body: body && JSON.parse(body), text };
}

describe('a client that says no more behind its request', () => {
  it('is told what became of a change', async () => {
    const http = await startHttp();
    const { status, body } = replyIn(await sayAndEnd(http, bytesOf('POST', '/sessions', { session_id: 's1' })));
    expect(status).toBe(201);
    expect(body.session.session_id).toBe('s1');
  });

  it('gets its receipt', async () => {
    const http = await startHttp();
    await register(http, backend);
    const { status, body } = replyIn(
      await sayAndEnd(http, bytesOf('POST', '/messages/send', envelope('m1', orchestrator, backend))),
    );
    expect(status).toBe(202);
    expect(body.message_id).toBe('m1');
  });

  it('gets the answer of each request that it had sent', async () => {
    const http = await startHttp();
    const requests = ['s1', 's2', 's3'].map((session_id) => bytesOf('POST', '/sessions', { session_id }));
    const text = await sayAndEnd(http, requests.join(''));
    expect(text.match(/HTTP\/1.1 201/g)).toHaveLength(3);
    expect(text.match(/(?<="session":{"session_id":)"s\d"/g)).toEqual(['"s1"', '"s2"', '"s3"']);
  });

  it('gets the messages that are there', async () => {
    const http = await startHttp();
    await register(http, backend);
    await http.call('POST', '/messages/send', { body: envelope('m1', orchestrator, backend) });
    const { status, body } = replyIn(await sayAndEnd(http, bytesOf('GET', `/agents/${backend}/messages`)));
    expect(status).toBe(200);
    expect(body.items).toHaveLength(1);
  });
});

describe('a client that asks again and again on one connection', () => {
  it('leaves nothing behind that waits for its end', async () => {
    const http = await startHttp();
    await register(http, backend);
    const sockets: net.Socket[] = [];
    http.app.server.on('connection', (socket) => sockets.push(socket));
    const client = net.connect({ port: http.port, host: '127.0.0.1' }).setEncoding('utf8');
    let text = '';
    client.on('data', (more) => {
      text += more;
    });
    const answers = () => text.match(/HTTP\/1.1 200/g)?.length ?? 0;
    const listeners: (number | undefined)[] = [];
    for (let asked = 1; asked <= 3; asked++) {
      client.write(bytesOf('GET', `/agents/${backend}/messages`));
      await expect.poll(answers).toBe(asked);
      await new Promise((resolve) => setImmediate(resolve));
      listeners.push(sockets[0]?.listenerCount('end'));
    }
    client.destroy();
    expect(new Set(listeners).size).toBe(1);
    expect(listeners[0]).toBeGreaterThan(0);
  });
});

describe('a client that says no more, and may have gone', () => {
  it('is not waited with for messages', async () => {
    const http = await startHttp();
    await register(http, backend);
    const { status, body } = replyIn(await sayAndEnd(http, bytesOf('GET', `/agents/${backend}/messages?wait=60s`)));
    expect(status).toBe(200);
    expect(body.items).toEqual([]);
  });

  it('is not waited with for the reply to a sync request', async () => {
    const http = await startHttp();
    await register(http, backend);
    const routing = { delivery_mode: 'sync', timeout: '60s' };
    const request = bytesOf('POST', '/messages/send', envelope('q1', orchestrator, backend, { routing }));
    expectProblem(replyIn(await sayAndEnd(http, request)) as Reply, 504, 'REPLY_TIMEOUT');
  });

  it('gets the events of a stream to its end at once', async () => {
    const http = await startHttp();
    await http.call('POST', '/sessions', { body: { session_id: 's1' } });
    const text = await sayAndEnd(http, bytesOf('GET', '/sessions/s1/events', undefined, 'text/event-stream'));
    expect(text).toContain('HTTP/1.1 200');
  });
});
