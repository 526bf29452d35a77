// The messages of one round: complete 700-byte envelopes that differ only in the nine digits at the end of their id.

export const envelopeBytes = 700;
export const counterDigits = 9;

/**
 * A complete envelope of exactly `envelopeBytes` bytes whose id is `b_<run>_<counter>`.
 * @param {{ run: string, sender: string, recipient: string, timestamp: string }} parts
 */
export function createEnvelope({ run, sender, recipient, timestamp }) {
  const envelope = {
    message_id: idOf(run, 0),
    timestamp,
    sender: { agent_id: sender, framework: 'bench' },
    recipient: { agent_id: recipient, framework: 'bench' },
    message_type: 'task_request',
    priority: 'medium',
    payload: {
      task_type: 'implementation',
      context: { component: 'notification-service', branch: 'feature/notifications', attempt: 1, dry_run: false },
      instructions: '',
    },
    routing: {
      timeout: '300s',
      retry_policy: { max_retries: 3, backoff: 'exponential' },
      delivery_mode: 'async',
    },
    metadata: { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' },
  };
  const missing = envelopeBytes - Buffer.byteLength(JSON.stringify(envelope));
  if (missing < 0) throw new Error(`the names leave no room in ${envelopeBytes} bytes`);
  envelope.payload.instructions = 'Deliver each notification once and log it. '.repeat(20).slice(0, missing);
  return envelope;
}

/** @param {string} run @param {number} counter */
export function idOf(run, counter) {
  return `b_${run}_${String(counter).padStart(counterDigits, '0')}`;
}

/**
 * Where the counters lie in what goes over the wire.
 * @param {Buffer} bytes Unmasked. @param {string} run
 * @returns {number[]}
 */
export function counterOffsets(bytes, run) {
  const prefix = Buffer.from(`"message_id":"b_${run}_`);
  const offsets = [];
  for (let at = bytes.indexOf(prefix); at >= 0; at = bytes.indexOf(prefix, at + 1)) offsets.push(at + prefix.length);
  return offsets;
}

/**
 * Writes nine digits over those at `at`.
 * @param {Buffer} bytes @param {number} at @param {number} counter
 * @param {Uint8Array} [mask] The nine mask bytes that fall on them, in a masked frame.
 */
export function writeCounter(bytes, at, counter, mask) {
  let rest = counter;
  for (let place = counterDigits - 1; place >= 0; place--) {
    const next = Math.floor(rest / 10);
    bytes[at + place] = (48 + rest - next * 10) ^ (mask ? mask[place] : 0);
    rest = next;
  }
}

/**
 * Reads the counter from bytes that are otherwise exactly this envelope, with or without a stamp of the bus at the end of its
 * metadata; undefined for any others.
 * @param {object} envelope @param {string} run
 */
export function counterReader(envelope, run) {
  const expected = Buffer.from(JSON.stringify(envelope));
  const [counterAt = 0] = counterOffsets(expected, run);
  const restAt = counterAt + counterDigits;
  const stampAt = expected.length - metadataEnd.length;
  return (/** @type {Buffer} */ bytes, /** @type {number} */ start, /** @type {number} */ end) => {
    const same =
      expected.compare(bytes, start, start + counterAt, 0, counterAt) === 0 &&
      expected.compare(bytes, start + restAt, start + stampAt, restAt, stampAt) === 0 &&
      isEnd(bytes, start + stampAt, end);
    return same ? readCounter(bytes, start + counterAt) : undefined;
  };
}

const metadataEnd = Buffer.from('}}');
const stampStart = Buffer.from(',"bus":{"sender":"');
const stampEnd = Buffer.from('}}}');

/** Whether nothing but a stamp is added. @param {Buffer} bytes @param {number} start @param {number} end */
function isEnd(bytes, start, end) {
  if (end - start === metadataEnd.length) return metadataEnd.compare(bytes, start, end) === 0;
  return (
    stampStart.compare(bytes, start, start + stampStart.length) === 0 &&
    stampEnd.compare(bytes, end - stampEnd.length, end) === 0
  );
}

/** The nine digits at `at`. @param {Buffer} bytes @param {number} at */
function readCounter(bytes, at) {
  let counter = 0;
  for (let place = 0; place < counterDigits; place++) counter = counter * 10 + bytes[at + place] - 48;
  return counter;
}
