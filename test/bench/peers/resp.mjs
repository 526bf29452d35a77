// Redis's protocol, RESP2: commands as buffers, replies as a flat run of tokens.

const carriageReturn = 13;
const kinds = { simple: 43, error: 45, integer: 58, bulk: 36, array: 42 };

/** A command as it goes over the wire. @param {(string | Buffer)[]} words */
export function command(...words) {
  const parts = words.flatMap((word) => [`$${Buffer.byteLength(word)}\r\n`, word, '\r\n']);
  return Buffer.concat([`*${words.length}\r\n`, ...parts].map((part) => Buffer.from(part)));
}

/**
 * @typedef {object} Tokens Positions are valid during the call only.
 * @property {(bytes: Buffer, start: number, end: number) => void} [bulk]
 * @property {(length: number) => void} [array] The head of an array: its elements follow as tokens of their own.
 * @property {(text: string) => void} [simple]
 * @property {(number: number) => void} [integer]
 */

/**
 * Reads whole tokens and says how many bytes they were.
 * @param {Buffer} bytes @param {Tokens} tokens @throws Error for an error reply or a token that nobody expects.
 */
export function readTokens(bytes, tokens) {
  let at = 0;
  while (at < bytes.length) {
    const lineEnd = bytes.indexOf(carriageReturn, at);
    if (lineEnd < 0 || lineEnd + 2 > bytes.length) break;
    const kind = bytes[at];
    const next = lineEnd + 2;
    if (kind === kinds.bulk) {
      const end = next + numberAt(bytes, at + 1, lineEnd);
      if (end + 2 > bytes.length) break;
      if (!tokens.bulk) throw unexpected(bytes, at, lineEnd);
      tokens.bulk(bytes, next, end);
      at = end + 2;
      continue;
    }
    if (kind === kinds.array && tokens.array) tokens.array(numberAt(bytes, at + 1, lineEnd));
    else if (kind === kinds.integer && tokens.integer) tokens.integer(numberAt(bytes, at + 1, lineEnd));
    else if (kind === kinds.simple && tokens.simple) tokens.simple(bytes.latin1Slice(at + 1, lineEnd));
    else throw unexpected(bytes, at, lineEnd);
    at = next;
  }
  return at;
}

/** Not negative: nothing that is asked for here has a null reply. @param {Buffer} bytes @param {number} start @param {number} end */
function numberAt(bytes, start, end) {
  let number = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at] - 48;
    if (!(digit >= 0 && digit <= 9)) throw unexpected(bytes, start, end);
    number = number * 10 + digit;
  }
  return number;
}

/** @param {Buffer} bytes @param {number} start @param {number} end */
function unexpected(bytes, start, end) {
  return new Error(`redis-server said: ${bytes.toString('utf8', start, end)}`);
}
