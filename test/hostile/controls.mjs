// Negative controls: servers with a known fault. A suite that does not find it proves nothing.

/**
 * @typedef {object} Control
 * @property {string} says What the server does wrong.
 * @property {string} group The attack that must show it.
 * @property {boolean} [isWhole] A tenth of the attack is over before it shows.
 * @property {RegExp} finds One violation at least must match.
 * @property {string} fault JavaScript that runs in the server before it starts.
 */

/** Calls `wrong` with what goes through JSON.parse. @param {string} wrong */
const onParse = (wrong) =>
  `const parse = JSON.parse; JSON.parse = (text, ...more) => { const value = parse(text, ...more); ${wrong}; return value; };`;

/** @type {Record<string, Control>} */
export const controls = {
  throws: {
    says: 'throws an unexpected error on minus zero in a payload',
    group: 'json',
    finds: /status 500/,
    fault: onParse(
      "if (Object.is(value?.payload, -0)) Object.defineProperty(value, 'priority', { enumerable: true, get() { throw new Error('boom'); } })",
    ),
  },
  ends: {
    says: 'ends on an error that nobody catches, at a lone surrogate',
    group: 'json',
    finds: /the server ended/,
    fault: onParse("if (value?.payload === '\\ud800') setImmediate(() => { throw new Error('boom'); })"),
  },
  blocks: {
    says: 'keeps its event loop busy for 400 ms at a long fraction',
    group: 'json',
    finds: /event loop stood still/,
    fault: onParse(
      'if (value?.payload === 1 / 3) { const begin = process.cpuUsage(); while (process.cpuUsage(begin).user + process.cpuUsage(begin).system < 400_000); }',
    ),
  },
  rejects: {
    says: 'leaves a rejected promise to nobody',
    group: 'json',
    finds: /the server ended/,
    fault: onParse("if (value?.payload === '\\ud800') Promise.reject(new Error('boom'))"),
  },
  tells: {
    says: 'writes payloads into its log',
    group: 'json',
    finds: /canary/,
    fault: onParse(
      'if (value?.metadata?.note && Object.is(value.payload, -0)) console.error(JSON.stringify({ level: 30, note: value.metadata.note }))',
    ),
  },
  keeps: {
    says: 'never frees what it was sent',
    group: 'fuzz-http',
    isWhole: true,
    finds: /memory/,
    fault: `const kept = []; ${onParse('if (value?.message_type !== undefined || value?.messages || value?.agent_descriptor) kept.push(Array.from({ length: 40_000 }, Math.random))')}`,
  },
};
