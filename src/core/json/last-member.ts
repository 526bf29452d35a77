// Finds a member in the bytes of a JSON object without parsing them: read backwards, since what is sought is near the end.
import { ascii } from './ascii.ts';

const { backslash, closeBrace, closeBracket, colon, openBrace, openBracket, quote, space } = ascii;

/** Where a member with an object or a list as its value lies. */
export interface MemberPlace {
  /** Of the quote that opens its key. */
  key: number;
  /** Of the bracket that closes its value. */
  close: number;
}

/**
 * The last member of that name, which is the one that counts; `undefined` where there is none before `end`.
 * `bytes` up to `end` are valid JSON, `end` is that of its last brace or the place of one of its keys.
 */
export function lastMember(bytes: Uint8Array, name: string, end: number): MemberPlace | undefined {
  let depth = 1;
  let close = end;
  for (let at = end - 1; at > 0; at--) {
    const byte = bytes[at];
    if (byte === quote) at = startOfString(bytes, at);
    else if (byte === closeBrace || byte === closeBracket) {
      if (++depth === 2) close = at;
    } else if (byte === openBrace || byte === openBracket) depth--;
    else if (byte === colon && depth === 1) {
      const keyEnd = lastOfText(bytes, at);
      const key = startOfString(bytes, keyEnd);
      if (isString(bytes, key, keyEnd, name)) return { key, close };
      at = key;
    }
  }
  return undefined;
}

/** The last byte before `end` that is no space. */
export function lastOfText(bytes: Uint8Array, end: number): number {
  let at = end - 1;
  while (at > 0 && (bytes[at] ?? 0) <= space) at--;
  return at;
}

/** From the quote that closes a string to the one that opens it: the next that no odd number of backslashes escapes. */
function startOfString(bytes: Uint8Array, closing: number): number {
  for (let at = closing - 1; at > 0; at--) {
    if (bytes[at] !== quote) continue;
    let first = at;
    while (bytes[first - 1] === backslash) first--;
    if ((at - first) % 2 === 0) return at;
  }
  return 0;
}

/** Whether the string between two quotes says `text`, which is ASCII; any of its letters may be escaped. */
function isString(bytes: Uint8Array, opening: number, closing: number, text: string): boolean {
  const written = closing - opening - 1;
  if (written !== text.length) {
    if (written < text.length || written > 6 * text.length) return false;
    return JSON.parse(String.fromCharCode(...bytes.subarray(opening, closing + 1))) === text;
  }
  for (let index = 0; index < text.length; index++) {
    if (bytes[opening + 1 + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}
