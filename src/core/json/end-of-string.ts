// Where a string ends in bytes that are valid JSON.
import { ascii } from './ascii.ts';

const { backslash, quote } = ascii;

/** From the quote that opens a string to the one that closes it. */
export function endOfString(bytes: Uint8Array, opening: number): number {
  let at = opening + 1;
  while (bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1;
  return at;
}
