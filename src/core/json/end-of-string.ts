// Where a string ends in the bytes of JSON.
import { ascii } from './ascii.ts';

const { backslash, quote } = ascii;

/** Most strings are short. Behind so many bytes, a search in native code is faster than a look at each. */
const shortBytes = 32;

/** From the quote that opens a string to the one that closes it; the end of the bytes where none does. */
export function endOfString(bytes: Uint8Array, opening: number): number {
  for (let from = opening + 1; from < bytes.length; ) {
    let at = from;
    for (const near = from + shortBytes; at < near; at++) {
      if (bytes[at] === quote) return at;
      if (bytes[at] === backslash) at++;
    }
    const found = bytes.indexOf(quote, at);
    if (found < 0) break;
    if (!isEscaped(bytes, found, at)) return found;
    from = found + 1;
  }
  return bytes.length;
}

/** Whether an odd number of backslashes is right before it, none of them before `begin`. */
function isEscaped(bytes: Uint8Array, at: number, begin: number): boolean {
  let first = at;
  while (first > begin && bytes[first - 1] === backslash) first--;
  return (at - first) % 2 === 1;
}
