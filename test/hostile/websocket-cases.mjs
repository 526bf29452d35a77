// What breaks RFC 6455 on an open socket, or looks like it, each with how the bus must take it.
import { closeFrame, frameOf, opcodes } from './raw-websocket.mjs';

/**
 * @typedef {object} SocketCase
 * @property {string} name
 * @property {(envelope: Buffer) => (Buffer | string)[]} bytes One write each. The envelope is a valid one.
 * @property {number | 'open'} expected The close code, or that the socket goes on.
 * @property {boolean} [delivers] The envelope must be accepted.
 * @property {string} [answer] The code of the refusal that must come, on a socket that goes on.
 * @property {number} [pongs] That many must come.
 * @property {boolean} [ends] The client ends the stream behind its bytes.
 * @property {string} [because] Why it is another code than RFC 6455 names.
 */

const { continuation, text, binary, close, ping, pong } = opcodes;
const maxPayload = 1_048_576;

/** @type {(name: string, expected: number | 'open', ...bytes: Buffer[]) => SocketCase} */
const on = (name, expected, ...bytes) => ({ name, expected, bytes: () => bytes });

/** @type {(name: string, bytes: (envelope: Buffer) => Buffer[], more?: Partial<SocketCase>) => SocketCase} */
const taken = (name, bytes, more = {}) => ({ name, expected: 'open', delivers: true, bytes, ...more });

/** The envelope as a first fragment and continuations cut at these places. @param {Buffer} data @param {number[]} places */
function fragments(data, places) {
  const cuts = [0, ...places, data.length];
  return cuts
    .slice(1)
    .map((end, index) =>
      frameOf(index === 0 ? text : continuation, data.subarray(cuts[index], end), { fin: index === cuts.length - 2 }),
    );
}

const reservedBits = [1, 2, 3, 4, 5, 6, 7].map((reserved) =>
  on(`reserved bits ${reserved.toString(2).padStart(3, '0')}`, 1002, frameOf(text, '{}', { reserved })),
);
const reservedOpcodes = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) =>
  on(`the reserved opcode ${opcode.toString(16).toUpperCase()}`, 1002, frameOf(opcode, 'x')),
);
const badCloseCodes = [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535].map((code) =>
  on(`the close code ${code}`, 1002, closeFrame(code)),
);
const goodCloseCodes = [1000, 1001, 1003, 1011, 1012, 3000, 4999].map((code) =>
  on(`the close code ${code}`, code, closeFrame(code)),
);

const badText = {
  'a cut sequence': [0x22, 0xe2, 0x82],
  'an overlong slash': [0x22, 0xc0, 0xaf, 0x22],
  'an encoded surrogate': [0x22, 0xed, 0xa0, 0x80, 0x22],
  'a code point above U+10FFFF': [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22],
  'the byte FF': [0x22, 0xff, 0x22],
};
const utf8 = Object.entries(badText).flatMap(([name, bytes]) => {
  const data = Buffer.from(bytes);
  return [
    on(`${name} in a text frame`, 1007, frameOf(text, data)),
    on(`${name} over two fragments`, 1007, ...fragments(data, [2])),
  ];
});

const masking = [
  on('a text frame without a mask', 1002, frameOf(text, '{}', { masked: false })),
  on('a ping without a mask', 1002, frameOf(ping, 'x', { masked: false })),
  on('a close without a mask', 1002, frameOf(close, '', { masked: false })),
];

const control = [
  on('a ping of 126 bytes', 1002, frameOf(ping, 'x'.repeat(126))),
  on('a pong of 126 bytes', 1002, frameOf(pong, 'x'.repeat(126))),
  on('a close of 126 bytes', 1002, closeFrame(1000, 'x'.repeat(124))),
  on('a ping of 70,000 bytes', 1002, frameOf(ping, 'x'.repeat(70_000))),
  on('a ping whose short length is written long', 1002, frameOf(ping, 'x', { lengthBits: 16 })),
  on('a fragmented ping', 1002, frameOf(ping, 'x', { fin: false })),
  on('a fragmented pong', 1002, frameOf(pong, 'x', { fin: false })),
  on('a fragmented close', 1002, frameOf(close, '', { fin: false })),
  on('a ping with a reserved bit', 1002, frameOf(ping, '', { reserved: 4 })),
  { ...on('a ping of 125 bytes', 'open', frameOf(ping, 'x'.repeat(125))), pongs: 1 },
  on('a pong that nobody asked for', 'open', frameOf(pong, 'x'.repeat(125))),
  { ...on('50 pings in one write', 'open', Buffer.concat(Array(50).fill(frameOf(ping, 'flood')))), pongs: 50 },
  {
    ...on('20,000 pings in one write', 1006, Buffer.concat(Array(20_000).fill(frameOf(ping, 'flood')))),
    because: 'a peer with more than 60 pongs on their way to it is cut off',
  },
  on('20,000 pongs in one write', 'open', Buffer.concat(Array(20_000).fill(frameOf(pong, 'flood')))),
  on('a close without a payload', 1005, closeFrame(undefined)),
  on('a close of one byte', 1002, frameOf(close, 'x')),
  on('a close reason that is not UTF-8', 1007, closeFrame(1000, Buffer.from([0xc3, 0x28]))),
  on('a close reason of 123 bytes', 1000, closeFrame(1000, 'x'.repeat(123))),
  on('a close with frames behind it', 1000, Buffer.concat([closeFrame(1000), frameOf(text, '{}'), closeFrame(1001)])),
];

const fragmentation = [
  on('a continuation of nothing', 1002, frameOf(continuation, '{}')),
  on('a continuation that goes on, of nothing', 1002, frameOf(continuation, '{', { fin: false })),
  on('a text inside of a fragmented text', 1002, frameOf(text, '{', { fin: false }), frameOf(text, '{}')),
  on('a binary inside of a fragmented text', 1002, frameOf(text, '{', { fin: false }), frameOf(binary, '}')),
  on('a compressed text, not negotiated', 1002, frameOf(text, Buffer.from('aa5604', 'hex'), { reserved: 4 })),
  on(
    'a compressed continuation',
    1002,
    frameOf(text, '{', { fin: false }),
    frameOf(continuation, '}', { reserved: 4 }),
  ),
  taken(
    'fragments with a ping between them',
    (envelope) => {
      const [first = envelope, last = envelope] = fragments(envelope, [100]);
      return [first, frameOf(ping, 'between'), last];
    },
    { pongs: 1 },
  ),
  taken('a character cut by a fragment', (envelope) => fragments(envelope, [envelope.indexOf('\u{1F68C}') + 2])),
  taken('every byte a fragment', (envelope) =>
    fragments(
      envelope,
      Array.from({ length: envelope.length - 1 }, (_, n) => n + 1),
    ),
  ),
  taken('1,022 empty fragments inside', (envelope) => [
    frameOf(text, envelope.subarray(0, 9), { fin: false }),
    Buffer.concat(Array(1_022).fill(frameOf(continuation, '', { fin: false }))),
    frameOf(continuation, envelope.subarray(9)),
  ]),
  {
    name: '100,000 empty fragments',
    expected: 1008,
    bytes: () => [
      frameOf(text, '{', { fin: false }),
      Buffer.concat(Array(100_000).fill(frameOf(continuation, '', { fin: false }))),
    ],
    because: 'RFC 6455 sets no limit; 1,024 fragments are the limit here',
  },
];

const lengths = [
  on('one byte more than maxPayload', 1009, frameOf(text, '', { claims: BigInt(maxPayload + 1), lengthBits: 64 })),
  on('a claim of 4 GiB', 1009, frameOf(text, '', { claims: 2n ** 32n })),
  on('a claim of 2^53 bytes', 1009, frameOf(text, '', { claims: 2n ** 53n })),
  on('a claim of 2^63 - 1 bytes', 1009, frameOf(text, '', { claims: 2n ** 63n - 1n })),
  {
    ...on('a length with the top bit set', 1009, frameOf(text, '', { claims: 2n ** 63n })),
    because: 'it must be 0, and is too large as well: the answer is that it is too large',
  },
  on('a length of all ones', 1009, frameOf(text, '', { claims: 2n ** 64n - 1n })),
  on(
    'fragments that are larger together than maxPayload',
    1009,
    frameOf(text, 'x'.repeat(700_000), { fin: false }),
    frameOf(continuation, 'x'.repeat(700_000)),
  ),
  { ...on('exactly maxPayload', 'open', frameOf(text, 'x'.repeat(maxPayload))), answer: 'MALFORMED_JSON' },
  {
    ...on('a length of 7 bits in 16', 'open', frameOf(text, '[]', { lengthBits: 16 })),
    answer: 'VALIDATION_FAILED',
    because: 'the shortest form is asked of senders; a longer one has the same meaning',
  },
  taken('a length of 16 bits in 64', (envelope) => [frameOf(text, envelope, { lengthBits: 64 })], {
    because: 'as above',
  }),
];

const invalid = [
  on('100 frames that cannot be read', 1008, Buffer.concat(Array(100).fill(frameOf(text, '[]')))),
  taken(
    '99 frames that cannot be read',
    (envelope) => [...Array(99).fill(frameOf(text, '[]')), frameOf(text, envelope)],
    {
      answer: 'VALIDATION_FAILED',
    },
  ),
];

const streams = [
  on('a binary frame', 1003, frameOf(binary, '{}')),
  on('an empty binary frame', 1003, frameOf(binary, '')),
  { ...on('an empty text frame', 'open', frameOf(text, '')), answer: 'MALFORMED_JSON' },
  { ...on('a text with a byte order mark', 'open', frameOf(text, '\ufeff{}')), answer: 'MALFORMED_JSON' },
  on('an HTTP request on the open socket', 1002, Buffer.from('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')),
  on('a TLS greeting on the open socket', 1002, Buffer.from('16030100c8010000c40303', 'hex')),
  taken('one byte a write', (envelope) => [...frameOf(text, envelope)].map((byte) => Buffer.from([byte]))),
  taken('two envelopes in one write', (envelope) => [Buffer.concat([frameOf(text, '[]'), frameOf(text, envelope)])], {
    answer: 'VALIDATION_FAILED',
  }),
  { ...on('a stream that ends inside of a header', 1006, frameOf(text, '{}').subarray(0, 3)), ends: true },
  { ...on('a stream that ends inside of a payload', 1006, frameOf(text, 'x'.repeat(200)).subarray(0, 50)), ends: true },
  { ...on('a stream that ends between frames', 1006, frameOf(pong, '')), ends: true },
];

/** @type {readonly SocketCase[]} */
export const socketCases = [
  ...masking,
  ...reservedBits,
  ...reservedOpcodes,
  ...control,
  ...badCloseCodes,
  ...goodCloseCodes,
  ...utf8,
  ...fragmentation,
  ...lengths,
  ...invalid,
  ...streams,
];
