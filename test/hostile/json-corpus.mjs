// JSON that parsers disagree about, each with what the bus must make of it.

/**
 * @typedef {object} JsonCase
 * @property {string} name
 * @property {Buffer} text The whole document; `@ID@` stands for a message id, `@CANARY@` for a mark.
 * @property {string} expected `accepted` or the code of the refusal.
 * @property {string} [inBatch] Where it is another one inside of `{"messages":[...]}`.
 * @property {boolean} [asAgent] It is sent with the token of its sender, who may not be ambiguous about who that is.
 */

const head =
  '{"message_id":"@ID@","timestamp":"2025-02-02T11:00:00Z","sender":{"agent_id":"hostile://sender","framework":"hostile"},' +
  '"recipient":{"agent_id":"hostile://json","framework":"hostile"},"message_type":"status_update","priority":"medium","payload":';
const tail =
  ',"routing":{"timeout":"5m","retry_policy":{"max_retries":3,"backoff":"exponential"},"delivery_mode":"async"},' +
  '"metadata":{"note":"@CANARY@"}}';
const whole = `${head}null${tail}`;

const nested = (/** @type {string} */ open, /** @type {string} */ close, /** @type {number} */ depth) =>
  open.repeat(depth) + close.repeat(depth);

/** An envelope around the payload. @param {string | Buffer} payload */
function around(payload) {
  return Buffer.concat([Buffer.from(head), Buffer.from(payload), Buffer.from(tail)]);
}

/** @type {(name: string, payload: string | Buffer, expected?: string, inBatch?: string) => JsonCase} */
const payloadCase = (name, payload, expected = 'accepted', inBatch = expected) => ({
  name,
  text: around(payload),
  expected,
  inBatch,
});

/** @type {(name: string, text: string | Buffer, expected?: string, inBatch?: string) => JsonCase} */
const documentCase = (name, text, expected = 'MALFORMED_JSON', inBatch = expected) => ({
  name,
  text: Buffer.from(text),
  expected,
  inBatch,
});

const badUtf8 = {
  'a lone continuation byte': [0x80],
  'a cut sequence of two': [0xc3],
  'a cut sequence of three': [0xe2, 0x82],
  'a cut sequence of four': [0xf0, 0x9f, 0x98],
  'an overlong slash of two': [0xc0, 0xaf],
  'an overlong NUL': [0xc0, 0x80],
  'an overlong slash of three': [0xe0, 0x80, 0xaf],
  'an overlong slash of four': [0xf0, 0x80, 0x80, 0xaf],
  'an encoded high surrogate': [0xed, 0xa0, 0x80],
  'an encoded low surrogate': [0xed, 0xbf, 0xbf],
  'an encoded pair of surrogates (CESU-8)': [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80],
  'a code point above U+10FFFF': [0xf4, 0x90, 0x80, 0x80],
  'a sequence of five': [0xf8, 0x88, 0x80, 0x80, 0x80],
  'a sequence of six': [0xfc, 0x84, 0x80, 0x80, 0x80, 0x80],
  'the byte FE': [0xfe],
  'the byte FF': [0xff],
  'Latin-1': [0xe4, 0xf6],
};

const utf8Cases = Object.entries(badUtf8).flatMap(([name, bytes]) => [
  payloadCase(`${name} in a text`, Buffer.from([0x22, ...bytes, 0x22]), 'MALFORMED_JSON'),
  payloadCase(`${name} in a key`, Buffer.from([0x7b, 0x22, ...bytes, 0x22, 0x3a, 0x31, 0x7d]), 'MALFORMED_JSON'),
]);

const brokenPayloads = {
  NaN: 'NaN',
  Infinity: 'Infinity',
  'minus Infinity': '-Infinity',
  'a leading zero': '01',
  'a leading plus': '+1',
  'a leading point': '.5',
  'a trailing point': '5.',
  'an empty exponent': '1e',
  hexadecimal: '0x10',
  'a minus alone': '-',
  'single quotes': "'a'",
  'a bare word': 'hello',
  True: 'True',
  'a trailing comma in a list': '[1,]',
  'a trailing comma in an object': '{"a":1,}',
  'a leading comma': '[,1]',
  'two commas': '[1,,2]',
  'a missing colon': '{"a" 1}',
  'a missing value': '{"a":}',
  'a number as a key': '{1:2}',
  'a comment': '/* x */1',
  'a line comment': '1//x\n',
  'a raw line end in a text': '"a\nb"',
  'a raw tab in a text': '"a\tb"',
  'a raw NUL in a text': '"a\0b"',
  'a raw NUL outside': '\0',
  'a bad escape': '"\\x41"',
  'a cut escape': '"\\u12"',
  'an escape with a plus': '"\\u+123"',
  'a text without end': '"abc',
  'a list without end': '[1,2',
  'too many brackets': '1]',
  'a vertical tab as space': '\v1',
  'a no-break space as space': '\u00a01',
  'a zero-width space': '\u200b1',
  'U+2028 as space': '\u20281',
};

const forbiddenKeys = {
  __proto__: '{"__proto__":{"polluted":true}}',
  '__proto__ in escapes': '{"\\u005f\\u005fproto\\u005f\\u005f":{"polluted":true}}',
  '__proto__ deep inside': '[[[{"a":[{"__proto__":1}]}]]]',
  'constructor.prototype': '{"constructor":{"prototype":{"polluted":true}}}',
  'constructor.prototype in escapes': '{"c\\u006fnstructor":{"prototyp\\u0065":{}}}',
};

const strangePayloads = {
  'minus zero': '-0',
  'minus zero with a point': '-0.0',
  'the largest double': '1.7976931348623157e308',
  'an overflow': '1e400',
  'a negative overflow': '-1e400',
  'an underflow': '1e-400',
  'an exponent of 400 digits': `1e${'0'.repeat(398)}10`,
  'a number of 5,000 digits': '9'.repeat(5_000),
  'a fraction of 5,000 digits': `0.${'3'.repeat(5_000)}`,
  '2^53 + 1': '9007199254740993',
  'twenty digits': '12345678901234567890',
  'a lone high surrogate in escapes': '"\\ud800"',
  'a lone low surrogate in escapes': '"\\udc00"',
  'surrogates the wrong way round': '"\\udc00\\ud800"',
  'NUL in escapes': '"a\\u0000b"',
  'every control character in escapes': `"${Array.from({ length: 32 }, (_, code) => `\\u${code.toString(16).padStart(4, '0')}`).join('')}"`,
  'U+2028 and U+2029': '"\u2028\u2029"',
  noncharacters: '"\ufffe\uffff"',
  'an empty key': '{"":1}',
  'keys that differ in normalisation': '{"\u00e9":1,"e\u0301":2}',
  'constructor as a plain key': '{"constructor":1,"prototype":2,"toString":3,"hasOwnProperty":4}',
  'white space of every kind': ' \t\r\n { \n "a" \r : \t [ ] } ',
  'a text of 900,000 bytes': `"${'x'.repeat(900_000)}"`,
  'a text of 300,000 escapes': `"${'\\n'.repeat(300_000)}"`,
  'a list of 400,000 numbers': `[${Array(400_000).fill('1').join(',')}]`,
  'a list of 300,000 empty lists': `[${Array(300_000).fill('[]').join(',')}]`,
  '80,000 integer-like keys': `{${integerKeys(80_000)}}`,
  '100,000 texts with quotes': `[${Array(100_000).fill('"\\""').join(',')}]`,
};

/** Keys that a hash of their low bits would put into few buckets. @param {number} count */
function integerKeys(count) {
  return Array.from({ length: count }, (_, index) => `"${(index % 4096) * 4096 + Math.floor(index / 4096)}":0`).join(
    ',',
  );
}

const truncations = Array.from({ length: whole.length - 1 }, (_, length) =>
  documentCase(
    `cut after ${length} bytes`,
    whole.slice(0, length),
    'MALFORMED_JSON',
    length === 0 ? 'VALIDATION_FAILED' : 'MALFORMED_JSON',
  ),
);

const twice = Object.entries({
  'the recipient twice': whole.replace(
    '"priority"',
    '"recipient":{"agent_id":"hostile://json","framework":"hostile"},"priority"',
  ),
  'the sender twice': whole.replace('"timestamp"', '"sender":{"agent_id":"bus://agent-bus"},"timestamp"'),
  'the sender twice, once in escapes': whole.replace('"timestamp"', '"s\\u0065nder":{"agent_id":"a://b"},"timestamp"'),
  'the id twice': whole.replace('"priority"', '"message_id":"@ID@","priority"'),
  'two agent ids in the sender': whole.replace(
    '"agent_id":"hostile://sender"',
    '"agent_id":"a://b","agent_id":"hostile://sender"',
  ),
}).map(([name, text]) => ({ ...documentCase(name, text), asAgent: true }));

const documents = [
  documentCase('a byte order mark', `\ufeff${whole}`),
  documentCase('UTF-16', Buffer.from(whole, 'utf16le')),
  documentCase('something behind the end', `${whole}x`),
  documentCase('a NUL behind the end', `${whole}\0`),
  documentCase('spaces only', ' \n ', 'MALFORMED_JSON', 'VALIDATION_FAILED'),
  documentCase('two documents', `${whole}${whole}`),
  documentCase('a text', '"text"', 'VALIDATION_FAILED'),
  documentCase('a number', '1', 'VALIDATION_FAILED'),
  documentCase('null', 'null', 'VALIDATION_FAILED'),
  documentCase('a list', '[]', 'VALIDATION_FAILED'),
  documentCase('an empty object', '{}', 'VALIDATION_FAILED'),
  ...twice,
  documentCase(
    '__proto__ beside the sender',
    whole.replace('"priority"', '"__proto__":{"priority":"high"},"priority"'),
  ),
  documentCase(
    'constructor as a field',
    whole.replace('"priority"', '"constructor":1,"priority"'),
    'VALIDATION_FAILED',
  ),
  documentCase('toString as a field', whole.replace('"priority"', '"toString":1,"priority"'), 'VALIDATION_FAILED'),
  documentCase(
    'a field of 100,000 characters',
    whole.replace('"priority"', `"${'f'.repeat(100_000)}":1,"priority"`),
    'VALIDATION_FAILED',
  ),
  documentCase(
    '50,000 unknown fields',
    whole.replace('"priority"', `${Array.from({ length: 50_000 }, (_, n) => `"f${n}":0,`).join('')}"priority"`),
    'VALIDATION_FAILED',
  ),
  documentCase('larger than maxPayload', whole.replace('null', `"${'x'.repeat(1_048_576)}"`), 'PAYLOAD_TOO_LARGE'),
];

/** @type {readonly JsonCase[]} */
export const jsonCases = [
  ...[1, 2, 3].map((depth) => payloadCase(`${depth} lists deep`, nested('[', ']', depth))),
  payloadCase('as deep as is allowed', nested('[', ']', 999), 'accepted', 'MALFORMED_JSON'),
  payloadCase(
    'objects as deep as is allowed',
    `${nested('{"a":', '}', 998).replace('}', '{}}')}`,
    'accepted',
    'MALFORMED_JSON',
  ),
  payloadCase('one level too deep', nested('[', ']', 1_000), 'MALFORMED_JSON'),
  payloadCase('lists 100,000 deep', nested('[', ']', 100_000), 'MALFORMED_JSON'),
  payloadCase('lists 100,000 deep and not closed', '['.repeat(100_000), 'MALFORMED_JSON'),
  payloadCase('objects 100,000 deep', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`, 'MALFORMED_JSON'),
  payloadCase('lists and objects 100,000 deep', nested('[{"a":', '}]', 50_000).replace('}', 'null}'), 'MALFORMED_JSON'),
  payloadCase('brackets in a text', JSON.stringify('[{'.repeat(50_000))),
  payloadCase('keys twice, beneath the payload', '{"a":{"b":1,"b":2}}'),
  ...utf8Cases,
  ...Object.entries(brokenPayloads).map(([name, text]) => payloadCase(name, text, 'MALFORMED_JSON')),
  ...Object.entries(forbiddenKeys).map(([name, text]) => payloadCase(name, text, 'MALFORMED_JSON')),
  ...Object.entries(strangePayloads).map(([name, text]) => payloadCase(name, text)),
  ...documents,
  ...truncations,
];

/** For a bus whose maxPayload is 16 MiB: what does not fit into the default. @type {readonly JsonCase[]} */
export const largeCases = [
  payloadCase('131,072 integer-like keys', `{${integerKeys(131_072)}}`),
  payloadCase(
    '131,072 integer-like keys, falling',
    `{${Array.from({ length: 131_072 }, (_, n) => `"${4_294_967_294 - n * 8191}":0`).join(',')}}`,
  ),
  payloadCase(
    '1,000,000 keys in one object',
    `{${Array.from({ length: 1_000_000 }, (_, n) => `"k${n}":0`).join(',')}}`,
  ),
  payloadCase('1,000,000 times the same key', `{${Array(1_000_000).fill('"a":0').join(',')}}`),
  payloadCase('a text of 16,000,000 bytes', `"${'x'.repeat(16_000_000)}"`),
  payloadCase('7,000,000 numbers', `[${Array(7_000_000).fill('1').join(',')}]`),
  payloadCase('lists 8,000,000 deep', '['.repeat(8_000_000), 'MALFORMED_JSON'),
];
