// Marks in everything that is sent, by which it is known again where it must not be.
import { apiKey } from './server-process.mjs';

const mark = /canary-payload-[a-z0-9]+-z/g;

/** A mark of its own for each input. */
export function createCanaries() {
  let count = 0;
  return { next: () => `canary-payload-${(++count).toString(36)}-z` };
}

/**
 * What a text that came back to the sender of `own` says of others, or of the key.
 * @param {string} text @param {Buffer | string} own
 * @returns {string | undefined}
 */
export function strangerIn(text, own) {
  if (text.includes(apiKey)) return 'it holds the bus key';
  const foreign = text.match(mark)?.find((found) => !own.includes(found));
  return foreign && `it holds ${foreign}, which this client never sent`;
}

/** What a log may not say. @param {string} log @returns {string[]} the lines that do */
export function canariesInLog(log) {
  return log.split('\n').filter((line) => line.includes(apiKey) || line.match(mark));
}
