// The JSON corpus through every door: as a body, inside a batch, as a frame. What is accepted must arrive as it was sent.

import { withoutStamp } from '../support/stamp.mjs';
import { faultOfFrame, faultOfReply } from './documented.mjs';
import { openInbox } from './inbox.mjs';
import { jsonCases, largeCases } from './json-corpus.mjs';
import { RawConnection } from './raw-connection.mjs';
import { replyOn, requestOf } from './raw-http.mjs';
import { frameOf, opcodes, RawWebSocket } from './raw-websocket.mjs';
import { apiKey } from './server-process.mjs';

/** @typedef {import('./target.mjs').Target} Target */
/** @typedef {import('./json-corpus.mjs').JsonCase} JsonCase */
/** @typedef {Awaited<ReturnType<typeof openInbox>>} Inbox */
/** @typedef {{ outcome: string, fault: string | undefined }} Answer `outcome`: `accepted`, a code, or what else came. */
/** @typedef {(text: Buffer, id: string, key: string) => Promise<Answer>} Door */

const batchHead = Buffer.from('{"messages":[');
const batchTail = Buffer.from(']}');

/** @param {Target} target */
export const runJson = (target) => runCases(target, jsonCases);
/** @param {Target} target */
export const runLargeJson = (target) => runCases(target, largeCases);

/** @param {Target} target @param {readonly JsonCase[]} cases */
async function runCases(target, cases) {
  const inbox = await openInbox(target);
  const doors = { body: bodyDoor(target), batch: batchDoor(target), frame: frameDoor(target) };
  for (const [index, one] of cases.entries()) {
    if (target.onlyCase !== undefined && target.onlyCase !== index) continue;
    for (const [door, send] of Object.entries(doors)) {
      const expected = door === 'batch' ? (one.inBatch ?? one.expected) : one.expected;
      const fault = await faultOf(target, one, expected, door, send, inbox);
      target.tried();
      if (fault) target.violation(`${one.name}, as a ${door}: ${fault}`, `--case ${index}`);
    }
  }
  inbox.close();
}

/**
 * @param {Target} target @param {JsonCase} one @param {string} expected @param {string} door @param {Door} send @param {Inbox} inbox
 */
async function faultOf(target, { text, asAgent }, expected, door, send, inbox) {
  const canary = target.canaries.next();
  // Ids of messages are logged.
  const id = `json-${canary.replace('canary', 'no')}`;
  const bytes = filledIn(text, id, canary);
  const { outcome, fault } = await send(bytes, id, asAgent ? target.senderToken : apiKey);
  if (fault) return fault;
  // A frame that is no text by RFC 6455 ends its socket instead of being refused.
  const wanted = expectedAt(door, expected, bytes);
  if (outcome !== wanted) return `${outcome}, not ${wanted}`;
  if (outcome !== 'accepted') return undefined;
  const arrived = await inbox.take(id);
  if (!arrived) return 'accepted and not delivered';
  const isAsSent = withoutStamp(arrived.toString('latin1')) === bytes.toString('latin1');
  return isAsSent ? undefined : 'delivered with other bytes than it was sent';
}

/** @param {string} door @param {string} expected @param {Buffer} bytes */
function expectedAt(door, expected, bytes) {
  if (door !== 'frame') return expected;
  if (expected === 'PAYLOAD_TOO_LARGE') return 'closed with 1009';
  if (expected !== 'MALFORMED_JSON') return expected;
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return expected;
  } catch {
    return 'closed with 1007';
  }
}

/** @param {Buffer} text @param {string} id @param {string} canary */
function filledIn(text, id, canary) {
  return withEach(withEach(text, '@ID@', id), '@CANARY@', canary);
}

/** @param {Buffer} text @param {string} place @param {string} by */
function withEach(text, place, by) {
  const parts = [];
  let from = 0;
  for (let at = text.indexOf(place); at >= 0; at = text.indexOf(place, from)) {
    parts.push(text.subarray(from, at), Buffer.from(by));
    from = at + place.length;
  }
  return Buffer.concat([...parts, text.subarray(from)]);
}

/** @param {Target} target @param {string} path @param {Buffer} body @param {string} key */
async function post(target, path, body, key) {
  const connection = new RawConnection(target);
  const bytes = requestOf('POST', path, body, { 'x-agent-api-key': key });
  // In one write and plain, so that it is one for the fast lane.
  void connection.write(bytes);
  const reply = await replyOn(connection);
  connection.close();
  return { reply, fault: reply ? faultOfReply(reply, { sent: bytes, method: 'POST' }) : 'no answer' };
}

/** @param {Target} target @returns {Door} */
function bodyDoor(target) {
  return async (text, _id, key) => {
    const { reply, fault } = await post(target, '/messages/send', text, key);
    const outcome = reply?.status === 202 ? 'accepted' : codeIn(reply?.body);
    return { outcome, fault };
  };
}

/** @param {Target} target @returns {Door} */
function batchDoor(target) {
  return async (text, _id, key) => {
    const batch = Buffer.concat([batchHead, text, batchTail]);
    const { reply, fault } = await post(target, '/messages/batch', batch, key);
    if (reply?.status !== 200) return { outcome: codeIn(reply?.body), fault };
    const [item] = JSON.parse(reply.body.toString()).items;
    return { outcome: item.success ? 'accepted' : item.code, fault };
  };
}

/** @param {Target} target @returns {Door} A socket for each: more would end one that says too much it cannot read. */
function frameDoor(target) {
  return async (text, id, key) => {
    const socket = await RawWebSocket.open(target, 'hostile://sender', { headers: { 'x-agent-api-key': key } });
    try {
      void socket.write(frameOf(opcodes.text, text));
      return await answerOn(socket, text, id);
    } finally {
      socket.close();
    }
  };
}

/** @param {RawWebSocket} socket @param {Buffer} text @param {string} id @returns {Promise<Answer>} */
async function answerOn(socket, text, id) {
  for (;;) {
    const frame = await socket.next();
    if (!frame) return { outcome: socket.connection.ended ? 'closed with 1006' : 'no answer', fault: undefined };
    if (frame.opcode === opcodes.close) {
      return { outcome: `closed with ${frame.payload.readUInt16BE(0)}`, fault: undefined };
    }
    const said = frame.payload.toString();
    const value = JSON.parse(said);
    if (value.type === 'rejected') return { outcome: value.code, fault: faultOfFrame(value, said, text) };
    const receipt = value.receipts?.find((/** @type {any} */ one) => one.message_id === id);
    if (receipt) return { outcome: 'accepted', fault: undefined };
  }
}

/** @param {Buffer | undefined} body */
function codeIn(body) {
  try {
    return String(JSON.parse(String(body)).code);
  } catch {
    return `an answer without a code: ${String(body).slice(0, 100)}`;
  }
}
