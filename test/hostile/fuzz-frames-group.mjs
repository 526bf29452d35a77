// Made-up frames, thousands of them: each is accepted, refused with a code of the table, or ends its socket with a close code.
import { createRandom } from '../crash/random.mjs';
import { faultOfFrame } from './documented.mjs';
import { damaged, hostileText, mutated } from './hostile-values.mjs';
import { frameOf, opcodes, RawWebSocket } from './raw-websocket.mjs';

/** @typedef {import('./target.mjs').Target} Target */
/** @typedef {import('../crash/random.mjs').Random} Random */

const inputs = 20_000;
const inputsOfTurn = 20;
const lanes = 2;
const closeCodes = new Set([1000, 1001, 1002, 1003, 1005, 1007, 1008, 1009, 1011]);

/** @type {readonly object[]} */
const frames = [
  {
    sender: { agent_id: 'hostile://fuzz' },
    recipient: { agent_id: 'hostile://sink' },
    message_type: 'status_update',
    payload: { a: [1, 'b'] },
  },
  {
    message_id: 'm1',
    timestamp: '2025-02-02T11:00:00Z',
    sender: { agent_id: 'hostile://fuzz', framework: 'hostile', session_id: 'sess_1' },
    recipient: { agent_id: 'hostile://sink', framework: 'hostile' },
    message_type: 'task_request',
    priority: 'high',
    payload: { task: 1 },
    routing: {
      timeout: '1s',
      retry_policy: { max_retries: 1, backoff: 'linear' },
      fallback_agents: ['a://b'],
      delivery_mode: 'async',
    },
    metadata: { task_id: 'task_1', step: 'design', traceparent: '00-x' },
  },
  { sender: { agent_id: 'hostile://fuzz' }, recipient: { capability: 'nothing' }, message_type: 'heartbeat' },
  {
    sender: { agent_id: 'hostile://fuzz' },
    recipient: { agent_id: 'hostile://sink' },
    message_type: 'task_response',
    metadata: { in_reply_to: 'm1' },
  },
  { type: 'ack', message_id: 'm1' },
  { type: 'ack', message_ids: ['m1', 'm2'] },
  { type: 'nack', message_id: 'm1', delay: '1s', requeue: true, reason: 'x' },
  { type: 'extend', message_id: 'm1' },
  { type: 'hello' },
];

/** @param {Target} target */
export async function runFuzzFrames(target) {
  const turns = (target.quick ? inputs / 10 : inputs) / inputsOfTurn;
  const end = target.onlyCase === undefined ? turns : target.onlyCase + 1;
  let next = target.onlyCase ?? 0;
  const lane = async () => {
    /** @type {RawWebSocket | undefined} */
    let socket;
    /** The marks that went out on this socket: a late refusal may answer an earlier turn. */
    let sent = '';
    while (next < end) {
      const number = next++;
      const random = createRandom(target.seed ^ Math.imul(number + 1, 0x85ebca6b));
      const canary = target.canaries.next();
      socket ??= await RawWebSocket.open(target, 'hostile://fuzz');
      sent += canary;
      const { bytes, isDamaged } = turnOf(random, canary);
      const fault = await faultOf(socket, bytes, isDamaged, sent).catch((error) => String(error));
      for (let n = 0; n < inputsOfTurn; n++) target.tried();
      if (fault) target.violation(fault, `--case ${number}`);
      if (socket.connection.ended || isDamaged) {
        socket.close();
        socket = undefined;
        sent = '';
      }
    }
    socket?.close();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** Frames in one write: sound ones with made-up contents, or damaged ones. @param {Random} random @param {string} canary */
function turnOf(random, canary) {
  const sound = Array.from({ length: inputsOfTurn }, () => {
    const text = JSON.stringify({
      ...mutated(random.pick(frames), random),
      ...(random.chance(0.2) && { note: canary }),
    });
    const data = random.chance(0.9) ? Buffer.from(text) : damaged(Buffer.from(text), random);
    return frameOf(
      random.chance(0.98) ? opcodes.text : random.between(0, 15),
      data.length > 0 ? data : hostileText(random),
    );
  });
  const isDamaged = random.chance(0.2);
  const bytes = Buffer.concat(sound);
  return { bytes: isDamaged ? damaged(bytes, random) : bytes, isDamaged };
}

/**
 * @param {RawWebSocket} socket @param {Buffer} bytes @param {boolean} isDamaged Then the bus may wait for more, for ever.
 * @param {string} sent
 */
async function faultOf(socket, bytes, isDamaged, sent) {
  void socket.write(Buffer.concat([bytes, frameOf(opcodes.ping, 'the last')]));
  if (isDamaged) socket.connection.end();
  for (;;) {
    const frame = await socket.next(10_000);
    if (!frame) return socket.connection.ended && isDamaged ? undefined : 'silence behind a turn of frames';
    if (frame.opcode === opcodes.pong && frame.payload.toString() === 'the last') return undefined;
    if (frame.opcode === opcodes.close) {
      const code = frame.payload.length < 2 ? 1005 : frame.payload.readUInt16BE(0);
      socket.connection.end();
      await socket.connection.untilEnd(2_000);
      return closeCodes.has(code) || code >= 3_000 ? undefined : `closed with ${code} ${frame.payload.subarray(2)}`;
    }
    if (frame.opcode !== opcodes.text) continue;
    const said = frame.payload.toString();
    const fault = faultOfFrame(JSON.parse(said), said, sent);
    if (fault) return fault;
  }
}
