// Clients that take their time: each holds connections in its own way, and the bus must end them within a time.
import { setTimeout as delay } from 'node:timers/promises';
import { RawConnection } from './raw-connection.mjs';
import { requestOf } from './raw-http.mjs';
import { frameOf, opcodes, upgradeOf } from './raw-websocket.mjs';
import { apiKey } from './server-process.mjs';

/** @typedef {import('./target.mjs').Target} Target */

/** What the bus was started with for this, in milliseconds. */
const settings = { heartbeatMs: 2_000, slowReaderMs: 5_000 };
export const slowFlags = [
  '--heartbeat-interval',
  `${settings.heartbeatMs}ms`,
  '--slow-reader-timeout',
  `${settings.slowReaderMs}ms`,
];

/** Timers of a busy machine, and connections that are looked at every five seconds. */
const lateMs = 7_500;

/**
 * @typedef {object} SlowCase
 * @property {string} name
 * @property {number} connections
 * @property {number} withinMs Until then the bus has ended every one of them.
 * @property {number} [notBeforeMs] And none before that.
 * @property {number} [status] Of the answer that says why, where one can be given.
 * @property {(target: Target, index: number) => Promise<RawConnection>} open
 */

/** Writes on until the connection has ended. @param {RawConnection} connection @param {() => Buffer | string} next @param {number} everyMs */
async function drip(connection, next, everyMs) {
  while (!connection.ended) {
    await delay(everyMs);
    void connection.write(next());
  }
}

/** @param {Target} target @param {Buffer | string} first @param {{ drip?: string | Buffer, reads?: boolean }} [more] */
async function opened(target, first, { drip: bytes, reads = true } = {}) {
  const connection = new RawConnection(target, { reads });
  await connection.write(first);
  if (bytes !== undefined) void drip(connection, () => bytes, 1_000);
  return connection;
}

const head = `POST /messages/send HTTP/1.1\r\nhost: localhost\r\nx-agent-api-key: ${apiKey}\r\ncontent-type: application/json\r\n`;
const socketHead = (/** @type {number} */ index) => upgradeOf(`hostile://slow-${index}`);
/** After two pings without an answer, at the third. */
const deadSocketMs = 3 * settings.heartbeatMs + lateMs;

/** @type {readonly SlowCase[]} */
export const slowCases = [
  {
    name: 'connections that say nothing',
    connections: 200,
    withinMs: 10_000 + lateMs,
    status: 408,
    open: (target) => opened(target, ''),
  },
  {
    name: 'headers of one byte a second',
    connections: 200,
    withinMs: 10_000 + lateMs,
    status: 408,
    open: (target) => opened(target, head, { drip: 'x' }),
  },
  {
    name: 'a body of one byte a second',
    connections: 100,
    withinMs: 15_000 + lateMs,
    status: 408,
    open: (target) => opened(target, `${head}content-length: 5000\r\n\r\n{`, { drip: ' ' }),
  },
  {
    name: 'a chunked body of one byte a second',
    connections: 100,
    withinMs: 15_000 + lateMs,
    status: 408,
    open: (target) => opened(target, `${head}transfer-encoding: chunked\r\n\r\n1\r\n{\r\n`, { drip: '1\r\n \r\n' }),
  },
  {
    name: 'an upgrade of one byte a second',
    connections: 50,
    withinMs: 10_000 + lateMs,
    status: 408,
    open: (target, index) => opened(target, socketHead(index).subarray(0, -10), { drip: 'x' }),
  },
  {
    name: 'answers that nobody reads',
    connections: 10,
    withinMs: 2 * settings.slowReaderMs + lateMs,
    open: (target) =>
      opened(target, Buffer.concat(Array(400).fill(requestOf('GET', '/openapi.json'))), { reads: false }),
  },
  {
    name: 'requests without end, whose answers nobody reads',
    connections: 4,
    withinMs: 2 * settings.slowReaderMs + lateMs,
    open: async (target) => {
      const connection = await opened(target, '', { reads: false });
      const requests = Buffer.concat(Array(1_000).fill(requestOf('GET', '/health')));
      // A server that took every one of them in would hold some megabytes more with each turn.
      void drip(connection, () => requests, 20);
      return connection;
    },
  },
  {
    name: 'sockets that answer no ping',
    connections: 50,
    withinMs: deadSocketMs,
    open: (target, index) => opened(target, socketHead(index)),
  },
  {
    name: 'sockets that stop inside of a frame',
    connections: 50,
    withinMs: deadSocketMs,
    open: (target, index) =>
      opened(target, Buffer.concat([socketHead(index), frameOf(opcodes.text, '{', { claims: 500_000n })])),
  },
  {
    name: 'sockets that send a frame of one byte a second',
    connections: 50,
    withinMs: deadSocketMs,
    open: (target, index) =>
      opened(target, Buffer.concat([socketHead(index), frameOf(opcodes.text, '{', { claims: 500_000n })]), {
        drip: 'x',
      }),
  },
  {
    name: 'sockets that ping and read no pong',
    connections: 4,
    withinMs: settings.slowReaderMs + 3 * settings.heartbeatMs + lateMs,
    open: async (target, index) => {
      const connection = await opened(target, socketHead(index), { reads: false });
      const pings = Buffer.concat(Array(8_000).fill(frameOf(opcodes.ping, 'x'.repeat(125))));
      // A server that kept every pong would hold a megabyte more with each turn.
      void drip(connection, () => pings, 50);
      return connection;
    },
  },
  {
    name: 'sockets that send and read no refusal',
    connections: 4,
    withinMs: settings.slowReaderMs + 3 * settings.heartbeatMs + lateMs,
    open: async (target, index) => {
      const connection = await opened(target, socketHead(index), { reads: false });
      const frames = Buffer.concat(Array(3_000).fill(frameOf(opcodes.text, '[]')));
      void drip(connection, () => frames, 50);
      return connection;
    },
  },
];

/** A connection that asked once and was answered may stay a while for its next request, and no longer. @type {SlowCase} */
export const idleCase = {
  name: 'connections that are kept and not used',
  connections: 20,
  withinMs: 72_000 + lateMs,
  notBeforeMs: 70_000,
  open: (target) => opened(target, requestOf('GET', '/health')),
};
