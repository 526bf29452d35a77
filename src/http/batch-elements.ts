// Where the envelopes of a batch lie in its body, so that each travels on as the bytes that came in.
import { ascii } from '../core/json/ascii.ts';
import { endOfString } from '../core/json/end-of-string.ts';

const { closeBrace, closeBracket, openBrace, openBracket, quote } = ascii;

/**
 * The bytes of each element of the list in an object that is valid JSON with one list in it, as parts of the body.
 * `undefined` where not all elements are objects or lists.
 */
export function elementsOf(body: Buffer, count: number): Buffer[] | undefined {
  let elements: Buffer[] = [];
  let depth = 0;
  let begin = 0;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (byte === quote) at = endOfString(body, at);
    else if (byte === openBrace || byte === openBracket) {
      depth++;
      // Of a key that is there twice the last one counts.
      if (depth === 2) elements = [];
      else if (depth === 3) begin = at;
    } else if (byte === closeBrace || byte === closeBracket) {
      if (depth === 3) elements.push(body.subarray(begin, at + 1));
      depth--;
    }
  }
  return elements.length === count ? elements : undefined;
}
