// Made-up requests, thousands of them: every answer must be one that the documentation knows.
import { createRandom } from '../crash/random.mjs';
import { faultOfReply } from './documented.mjs';
import { httpInput, operationsOf } from './http-inputs.mjs';
import { RawConnection } from './raw-connection.mjs';
import { readReply, replyOn, requestOf } from './raw-http.mjs';

/** @typedef {import('./target.mjs').Target} Target */
/** @typedef {import('./http-inputs.mjs').HttpInput} HttpInput */

const inputs = 35_000;
const lanes = 4;
const answerMs = 10_000;

/** @param {Target} target */
export async function runFuzzHttp(target) {
  const operations = operationsOf(await openApiOf(target));
  const count = target.quick ? inputs / 10 : inputs;
  let next = target.onlyCase ?? 0;
  const end = target.onlyCase === undefined ? count : target.onlyCase + 1;
  const lane = async () => {
    /** @type {RawConnection | undefined} */
    let kept;
    while (next < end) {
      const number = next++;
      const random = createRandom(target.seed ^ Math.imul(number + 1, 0x9e3779b1));
      const input = httpInput(random, operations, target.canaries.next());
      const answer = await answerTo(target, input, kept).catch((error) => ({ fault: String(error), kept: undefined }));
      kept = answer.kept;
      target.tried();
      if (answer.fault) {
        target.violation(
          `${answer.fault}, to ${JSON.stringify(input.bytes.toString('latin1').slice(0, 600))}`,
          `--case ${number}`,
        );
      }
    }
    kept?.close();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** @param {Target} target */
async function openApiOf(target) {
  const connection = new RawConnection(target);
  await connection.write(requestOf('GET', '/openapi.json'));
  const reply = await replyOn(connection);
  connection.close();
  return JSON.parse(String(reply?.body));
}

/**
 * @param {Target} target @param {HttpInput} input @param {RawConnection | undefined} kept
 * @returns {Promise<{ fault: string | undefined, kept: RawConnection | undefined }>} and the connection, where it can be used again
 */
async function answerTo(target, { bytes, method, isDamaged }, kept) {
  if (isDamaged) {
    kept?.close();
    return { fault: await faultOfDamaged(target, bytes), kept: undefined };
  }
  const connection = kept && !kept.ended && kept.unread.length === 0 ? kept : new RawConnection(target);
  void connection.write(bytes);
  const reply = await replyOn(connection, { method, withinMs: answerMs });
  if (!reply) {
    const how = connection.ended ? 'the connection ended' : `nothing came in ${answerMs} ms`;
    connection.close();
    return { fault: `no answer: ${how}`, kept: undefined };
  }
  const isOver = reply.isStream || reply.headers.connection === 'close' || connection.ended;
  if (isOver) connection.close();
  return { fault: faultOfReply(reply, { sent: bytes, method }), kept: isOver ? undefined : connection };
}

/** Bytes that may be no request, or several: the client says that it is done, and all that comes back is looked at. @param {Target} target @param {Buffer} bytes */
async function faultOfDamaged(target, bytes) {
  const connection = new RawConnection(target);
  try {
    void connection.write(bytes);
    connection.end();
    let rest = await connection.untilEnd(2_000);
    while (rest.length > 0) {
      const reply = readReply(rest, { ended: true, method: methodOf(rest) });
      if (!reply) return `half an answer: ${rest.toString('latin1').slice(0, 200)}`;
      const fault = faultOfReply(reply, { sent: bytes, method: methodOf(rest) });
      if (fault) return fault;
      rest = rest.subarray(reply.length);
    }
    return undefined;
  } finally {
    connection.close();
  }
}

/** What methods the answers belong to is not known: one that is followed by the next one instead of its body is to HEAD. @param {Buffer} bytes */
function methodOf(bytes) {
  const behind = bytes.subarray(bytes.indexOf('\r\n\r\n') + 4);
  if (bytes.subarray(0, 13).toString() === 'HTTP/1.1 100 ') return methodOf(behind);
  return behind.length === 0 || behind.subarray(0, 9).toString() === 'HTTP/1.1 ' ? 'HEAD' : 'GET';
}
