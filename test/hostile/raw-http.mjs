// HTTP/1.1 by hand: requests as bytes, replies taken apart.
import { apiKey } from './server-process.mjs';

/** @typedef {{ status: number, headers: Record<string, string>, body: Buffer, length: number, isStream: boolean }} Reply */

const headEnd = Buffer.from('\r\n\r\n');

/**
 * The first reply in the bytes, or undefined where they hold none to its end. A stream of events counts as ended at its head.
 * @param {Buffer} bytes @param {{ method?: string, ended?: boolean }} [about] `ended`: no more will come.
 * @returns {Reply | undefined} @throws Error for what is no HTTP/1.1
 */
export function readReply(bytes, { method = 'GET', ended = false } = {}) {
  const headLength = bytes.indexOf(headEnd);
  if (headLength < 0) return undefined;
  const [first = '', ...lines] = bytes.toString('latin1', 0, headLength).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1]);
  if (!status) throw new Error(`not the first line of a reply: ${first.slice(0, 80)}`);
  /** @type {Record<string, string>} */
  const headers = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const start = headLength + headEnd.length;
  const reply = (/** @type {Buffer} */ body, /** @type {number} */ length, isStream = false) => ({
    status,
    headers,
    body,
    length,
    isStream,
  });
  if (status === 100) {
    const next = readReply(bytes.subarray(start), { method, ended });
    return next && { ...next, length: next.length + start };
  }
  if (headers['content-type']?.startsWith('text/event-stream')) return reply(Buffer.alloc(0), bytes.length, true);
  if (method === 'HEAD' || status === 101 || status === 204 || status === 304) return reply(Buffer.alloc(0), start);
  if (headers['transfer-encoding'] === 'chunked') return chunked(bytes, start, reply);
  if (headers['content-length'] === undefined) {
    return ended ? reply(bytes.subarray(start), bytes.length) : undefined;
  }
  const end = start + Number(headers['content-length']);
  return bytes.length < end ? undefined : reply(bytes.subarray(start, end), end);
}

/** @param {Buffer} bytes @param {number} start @param {(body: Buffer, length: number) => Reply} reply */
function chunked(bytes, start, reply) {
  const parts = [];
  for (let at = start; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    const next = lineEnd + 2 + size + 2;
    if (bytes.length < next) return undefined;
    if (size === 0) return reply(Buffer.concat(parts), next);
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = next;
  }
}

/**
 * The bytes of a request with the bus key, a host and, where it has a body, its length and type.
 * @param {string} method @param {string} path @param {Buffer | string} [body] @param {Record<string, string>} [headers]
 */
export function requestOf(method, path, body, headers = {}) {
  const bytes = body === undefined ? undefined : Buffer.from(body);
  const all = {
    host: 'localhost',
    'x-agent-api-key': apiKey,
    ...(bytes && { 'content-type': 'application/json', 'content-length': String(bytes.length) }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
  return bytes ? Buffer.concat([head, bytes]) : head;
}

/**
 * The reply to what was written, or undefined where the connection ended or stayed silent without one.
 * @param {import('./raw-connection.mjs').RawConnection} connection @param {{ method?: string, withinMs?: number }} [options]
 */
export async function replyOn(connection, { method = 'GET', withinMs = 20_000 } = {}) {
  const until = performance.now() + withinMs;
  for (;;) {
    const reply = readReply(connection.unread, { method, ended: connection.ended });
    if (reply) connection.take(reply.length);
    if (reply || connection.ended || performance.now() >= until) return reply;
    await connection.more(until - performance.now());
  }
}
