// Keys that stand twice: parsers differ in which one counts, so the sender that was checked might not be the one that is read.
import type { Principal } from '../bus/identity.ts';
import { ascii } from '../core/json/ascii.ts';
import { endOfString } from '../core/json/end-of-string.ts';
import { BusError } from '../protocol/errors.ts';

const { closeBrace, closeBracket, colon, openBrace, openBracket, quote } = ascii;

/**
 * `raw` is what the envelope was parsed from. A key that is for no agent and no user may name any sender as it is: nothing is gained by naming two.
 * @throws BusError MALFORMED_JSON for an agent's envelope in which a key stands twice, or in an object right inside of it
 */
export function assertKeysOnce(principal: Principal, raw: Buffer | null, envelope: object): void {
  const isBound = principal.agentId !== undefined || principal.userId !== undefined;
  if (isBound && raw !== null && !standOnce(raw, envelope)) {
    throw new BusError('MALFORMED_JSON', 'A key stands twice in the envelope or in an object of it; leave one out.');
  }
}

/** `object` is what was parsed from `raw`; of the keys in it and in the objects right inside of it. */
export function standOnce(raw: Buffer, object: object): boolean {
  return countKeys(raw) === countDifferentKeys(object);
}

function countDifferentKeys(object: object): number {
  let count = 0;
  for (const value of Object.values(object)) {
    count++;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) count += Object.keys(value).length;
  }
  return count;
}

/** The keys at the first and second level of a JSON object, repeats included: the colons there. */
function countKeys(bytes: Buffer): number {
  let count = 0;
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === quote) at = endOfString(bytes, at);
    else if (byte === colon) count += depth <= 2 ? 1 : 0;
    else if (byte === openBrace || byte === openBracket) depth++;
    else if (byte === closeBrace || byte === closeBracket) depth--;
  }
  return count;
}
