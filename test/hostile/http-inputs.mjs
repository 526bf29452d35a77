// Made-up HTTP requests: the routes of the bus with wrong ids, queries, headers and bodies, and damaged bytes of such.
import { damaged, hostileText, mutated } from './hostile-values.mjs';
import { requestOf } from './raw-http.mjs';

/** @typedef {import('../crash/random.mjs').Random} Random */
/** @typedef {{ method: string, path: string, bodies: unknown[] }} Operation */
/** @typedef {{ bytes: Buffer, method: string, isDamaged: boolean }} HttpInput */

/** Routes as OpenAPI lists them, each with examples of its body. @param {any} document @returns {Operation[]} */
export function operationsOf(document) {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(/** @type {Record<string, any>} */ (methods)).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      bodies: examplesOf(document, operation.requestBody?.content?.['application/json']?.schema),
    })),
  );
}

/** @param {any} document @param {any} schema @returns {unknown[]} */
function examplesOf(document, schema) {
  const name = schema?.$ref?.split('/').at(-1);
  return (name === undefined ? schema : document.components.schemas[name])?.examples ?? [];
}

const ids = ['hostile://sink', 'hostile://json', 'a://b', 'm1', 'task_1', 'sess_1', 'sess_2', 'x'];
const oddMethods = ['HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY', 'LOCK', 'CONNECTX', 'get', 'PATCH', 'DELETE'];
const parameters = [
  'max',
  'wait',
  'lease',
  'limit',
  'after',
  'online',
  'capability',
  'framework',
  'state',
  'participant',
  'status',
  'agent_id',
  'name',
  '__proto__',
  'x',
];
const headers = [
  'accept',
  'accept-encoding',
  'authorization',
  'content-encoding',
  'content-type',
  'cookie',
  'forwarded',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'last-event-id',
  'origin',
  'prefer',
  'range',
  'referer',
  'te',
  'trailer',
  'user-agent',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-http-method-override',
  'x-original-url',
  'expect',
  'connection',
  'sec-websocket-protocol',
  '__proto__',
];
const headerValues = [
  '',
  '*',
  '*/*',
  'application/json',
  'application/json; charset=utf-16',
  'text/markdown',
  'text/event-stream',
  'bytes=0-',
  'bytes=9999999-',
  'bytes=-1',
  '"1"',
  'W/"x"',
  '0',
  '-1',
  '18446744073709551616',
  'gzip, deflate',
  'close',
  'keep-alive',
  '100-continue',
  'Bearer',
  'Bearer x',
  'Basic Og==',
  'a=b; c',
  'http://evil.example',
  'null',
  '\x80\xff',
  'x'.repeat(4_000),
  ',,,;;;===',
  'Thu, 01 Jan 1970 00:00:00 GMT',
  'chunked',
];

/** @param {Random} random @param {Operation[]} operations @param {string} canary @returns {HttpInput} */
export function httpInput(random, operations, canary) {
  const operation = random.pick(operations);
  const method = random.chance(0.9) ? operation.method : random.pick(oddMethods);
  const path = pathOf(operation.path, random) + queryOf(random);
  const bytes = requestOf(method, path, bodyOf(operation, random, canary), headersOf(random));
  if (random.chance(0.12)) return { bytes: damaged(bytes, random), method: '', isDamaged: true };
  return { bytes, method, isDamaged: false };
}

/** @param {string} template @param {Random} random */
function pathOf(template, random) {
  const path = template.replace(/\{\w+\}/g, () =>
    random.chance(0.7) ? encodeURIComponent(random.pick(ids)) : encoded(hostileText(random)),
  );
  if (random.chance(0.9)) return path;
  const at = random.between(0, path.length);
  return path.slice(0, at) + encoded(hostileText(random)) + path.slice(at);
}

/** No white space, which would end the path; the rest as it is. @param {string} text */
function encoded(text) {
  return Buffer.from(text)
    .toString('latin1')
    .replace(/[\0-\x20]/g, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** @param {Random} random */
function queryOf(random) {
  if (random.chance(0.6)) return '';
  const pairs = Array.from(
    { length: random.between(1, 3) },
    () => `${random.pick(parameters)}=${encoded(hostileText(random))}`,
  );
  return `?${pairs.join('&')}`;
}

/** @param {Random} random */
function headersOf(random) {
  const count = random.chance(0.5) ? 0 : random.between(1, 3);
  /** @type {[string, string][]} */
  const pairs = Array.from({ length: count }, () => [random.pick(headers), random.pick(headerValues)]);
  return Object.fromEntries(pairs);
}

/** @param {Operation} operation @param {Random} random @param {string} canary */
function bodyOf({ method, bodies }, random, canary) {
  if (bodies.length === 0) return method === 'GET' || random.chance(0.7) ? undefined : `{"note":"${canary}"}`;
  const text = JSON.stringify(mutated(random.pick(bodies), random));
  const marked = text.endsWith('}') && random.chance(0.3) ? `${text.slice(0, -1)},"note":"${canary}"}` : text;
  return random.chance(0.9) ? marked : damaged(Buffer.from(marked), random);
}
