// Values that programs stumble over, and JSON documents with one of them put in.

const texts = [
  '',
  ' ',
  '\0',
  'a\u0000b',
  '\r\n',
  '../../etc/passwd',
  '%00',
  '%zz',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'null',
  'undefined',
  'NaN',
  '-1',
  '0',
  '1e999',
  '9007199254740993',
  '\u{1F4A5}',
  '\ud800',
  '\ufeff',
  '\u202e',
  "' OR 1=1 --",
  '<script>',
  '$(id)',
  '{{7*7}}',
  'a://b',
  'hostile://sink',
  'hostile://json',
  'bus://agent-bus',
  'A://B',
  'a://',
  '://',
  'x'.repeat(129),
  'x'.repeat(5_000),
  '1ms',
  '0s',
  '5m',
  '99999999999h',
  '-5s',
  '2025-02-30T25:61:61Z',
  '2025-02-02T11:00:00Z',
  'sess_1',
  'task_1',
  'm1',
  'task_request',
  'task_response',
  'heartbeat',
  'error',
  'high',
  'ack',
];
const values = [
  null,
  true,
  false,
  0,
  -0,
  -1,
  1,
  0.5,
  1e308,
  -1e308,
  2 ** 53,
  2 ** 31,
  1e21,
  [],
  {},
  [[]],
  [null],
  { a: {} },
  { constructor: 1 },
  { length: -1 },
  { toJSON: 1 },
  JSON.parse('{"then":1}'),
  { $ref: '#' },
  Array(300).fill('a://b'),
  Array(1_100).fill(0),
];

/** @typedef {import('../crash/random.mjs').Random} Random */

/** @param {Random} random */
export const hostileText = (random) => random.pick(texts);
/** @param {Random} random @returns {unknown} */
const hostileValue = (random) => structuredClone(random.pick(random.chance(0.5) ? texts : values));

/** The document with up to three of its parts replaced, removed, added or repeated. @param {unknown} document @param {Random} random */
export function mutated(document, random) {
  const copy = structuredClone(document);
  for (let left = random.between(0, 3); left > 0; left--) mutate(copy, random);
  return copy;
}

/** @param {any} node @param {Random} random */
function mutate(node, random) {
  if (typeof node !== 'object' || node === null) return;
  const keys = Object.keys(node);
  const key = keys.length > 0 ? random.pick(keys) : undefined;
  if (key !== undefined && typeof node[key] === 'object' && random.chance(0.6)) {
    mutate(node[key], random);
    return;
  }
  const way = random.between(0, 3);
  if (way === 0 || key === undefined) addTo(node, random);
  else if (way === 1 && !Array.isArray(node)) delete node[key];
  else node[key] = hostileValue(random);
}

/** @param {any} node @param {Random} random */
function addTo(node, random) {
  if (Array.isArray(node)) node.push(hostileValue(random));
  else
    Object.defineProperty(node, hostileText(random), {
      value: hostileValue(random),
      enumerable: true,
      configurable: true,
      writable: true,
    });
}

/** The bytes with some of them changed, doubled, cut out or put in. @param {Buffer} bytes @param {Random} random */
export function damaged(bytes, random) {
  let result = Buffer.from(bytes);
  for (let left = random.between(1, 4); left > 0 && result.length > 0; left--) {
    const at = random.between(0, result.length - 1);
    const end = Math.min(result.length, at + random.between(1, 40));
    switch (random.between(0, 5)) {
      case 0:
        result[at] = random.between(0, 255);
        break;
      case 1:
        result[at] = (result[at] ?? 0) ^ (1 << random.between(0, 7));
        break;
      case 2:
        result = Buffer.concat([result.subarray(0, at), result.subarray(end)]);
        break;
      case 3:
        result = Buffer.concat([result.subarray(0, end), result.subarray(at)]);
        break;
      case 4:
        result = Buffer.concat([result.subarray(0, at), Buffer.from(hostileText(random)), result.subarray(at)]);
        break;
      default:
        result = result.subarray(0, at);
    }
  }
  return result;
}
