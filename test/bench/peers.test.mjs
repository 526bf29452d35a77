// The clients of the peers, without the peers: what is read must not depend on how the stream is cut.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { counterDigits, createEnvelope, idOf } from './envelopes.mjs';
import { frame, frameTypes, methodFrame, methods, octet, readFrames, shortString } from './peers/amqp-frames.mjs';
import { NatsReceiver } from './peers/nats.mjs';
import { NatsConnection } from './peers/nats-connection.mjs';
import { freePort, isListening } from './peers/ports.mjs';
import { command, readTokens } from './peers/resp.mjs';
import { assertInstalled, programs } from './programs.mjs';
import { Sheet } from './sheet.mjs';

/** Feeds a stream in pieces of this size to something that takes whole pieces. @param {Buffer} stream @param {number} size @param {(bytes: Buffer) => number} read */
function feed(stream, size, read) {
  let rest = Buffer.alloc(0);
  for (let at = 0; at < stream.length; at += size) {
    const bytes = Buffer.concat([rest, stream.subarray(at, at + size)]);
    rest = bytes.subarray(read(bytes));
  }
  expect(rest).toHaveLength(0);
}

test('a Redis reply gives the same tokens wherever the stream is cut', () => {
  const stream = Buffer.from(
    '*1\r\n*2\r\n$5\r\nqueue\r\n*1\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\ne\r\n$4\r\na\r\nb\r\n:12\r\n+OK\r\n',
  );
  for (const size of [1, 7, stream.length]) {
    /** @type {unknown[]} */
    const seen = [];
    const tokens = {
      array: (/** @type {number} */ length) => seen.push([length]),
      bulk: (/** @type {Buffer} */ bytes, /** @type {number} */ start, /** @type {number} */ end) =>
        seen.push(bytes.toString('utf8', start, end)),
      integer: (/** @type {number} */ number) => seen.push(number),
      simple: (/** @type {string} */ text) => seen.push(text),
    };
    feed(stream, size, (bytes) => readTokens(bytes, tokens));
    expect(seen).toEqual([[1], [2], 'queue', [1], [2], '1-0', [2], 'e', 'a\r\nb', 12, 'OK']);
  }
});

test('an error of Redis, and a reply that nobody asked for, fail', () => {
  expect(() => readTokens(Buffer.from('-NOGROUP no such group\r\n'), {})).toThrow('NOGROUP no such group');
  expect(() => readTokens(Buffer.from(':1\r\n'), {})).toThrow('redis-server said: :1');
  expect(() => readTokens(Buffer.from('$-1\r\n'), { bulk: () => {} })).toThrow('redis-server said');
});

test('AMQP frames are found wherever the stream is cut, and must end as frames do', () => {
  const stream = Buffer.concat([
    methodFrame(methods.basicAck, 1, shortString('x')),
    frame(frameTypes.body, 1, Buffer.alloc(70_000)),
    frame(frameTypes.heartbeat, 0, Buffer.alloc(0)),
  ]);
  for (const size of [3, 1000, stream.length]) {
    /** @type {number[][]} */
    const seen = [];
    feed(stream, size, (bytes) => readFrames(bytes, (type, start, end) => seen.push([type, end - start])));
    expect(seen).toEqual([
      [1, 6],
      [3, 70_000],
      [8, 0],
    ]);
  }
  const broken = Buffer.concat([frame(frameTypes.body, 1, octet(1)).subarray(0, -1), octet(0)]);
  expect(() => readFrames(broken, () => {})).toThrow('without its end');
});

/** A server that says this as soon as somebody connects. @param {string} text */
async function serverSaying(text) {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(text);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { url: `nats://127.0.0.1:${port}`, close: () => server.close() };
}

test('NATS messages come with their subject and reply, and an error fails', async () => {
  const server = await serverSaying("INFO {}\r\nPONG\r\nMSG a.b 1 r.1 2\r\n{}\r\nMSG c 2 1\r\nx\r\n-ERR 'no'\r\n");
  /** @type {unknown[]} */
  const seen = [];
  const error = await new Promise((onFailure) => {
    const onMessage = (
      /** @type {import('./peers/nats-connection.mjs').Message} */ { subject, reply, bytes, start, end },
    ) => seen.push([subject, reply, bytes.toString('utf8', start, end)]);
    new NatsConnection({ url: server.url, onMessage, onFailure });
  });
  server.close();
  expect(seen).toEqual([
    ['a.b', 'r.1', '{}'],
    ['c', '', 'x'],
  ]);
  expect(error.message).toBe("nats-server said: -ERR 'no'");
});

test('a message that was changed on its way fails the round', async () => {
  const envelope = createEnvelope({
    run: 'r',
    sender: 'b://a',
    recipient: 'b://b',
    timestamp: '2025-02-02T11:00:00.000Z',
  });
  const text = JSON.stringify({ ...envelope, message_id: idOf('r', 7) });
  const changed = text.replace('medium', 'Medium');
  const frames = [text, changed].map((body) => `MSG mail.q 2 reply ${body.length}\r\n${body}\r\n`);
  const server = await serverSaying(`INFO {}\r\n${frames.join('')}`);
  /** @type {number[]} */
  const delivered = [];
  const error = await new Promise((failed) => {
    const events = { delivered: (/** @type {number} */ counter) => delivered.push(counter), acked: () => {}, failed };
    const target = /** @type {import('./round.mjs').Target} */ ({ url: server.url });
    new NatsReceiver({ target, run: 'r', queue: 'q', envelope, events });
  });
  server.close();
  expect(delivered).toEqual([7]);
  expect(error.message).toContain('changed on its way');
});

test('every copy on a sheet has its own counter, everywhere it belongs', () => {
  const blank = '0'.repeat(counterDigits);
  const sheet = new Sheet({ message: Buffer.from(`<${blank}|${blank}>`), counters: [1, 11], copies: 3 });
  let counter = 40;
  expect(String(sheet.print(2, () => ++counter))).toBe('<000000041|000000041><000000042|000000042>');
});

test('a command of Redis counts bytes, not characters', () => {
  expect(String(command('XADD', 'é'))).toBe('*2\r\n$4\r\nXADD\r\n$2\r\né\r\n');
});

test('a free port is one on which nothing listens', async () => {
  expect(await isListening('127.0.0.1', await freePort())).toBe(false);
});

test('a missing server is named with the line that installs it', async () => {
  programs.absent = {
    ...programs.redis,
    needs: { commands: ['agent-bus-no-such-program'], package: 'no-such-package' },
  };
  await expect(assertInstalled(['yardstick', 'absent'])).rejects.toThrow(
    'not installed: no-such-package; on Debian: apt-get update && apt-get install --no-install-recommends no-such-package',
  );
  await expect(assertInstalled(['yardstick', 'lmdb'])).resolves.toBeUndefined();
});
