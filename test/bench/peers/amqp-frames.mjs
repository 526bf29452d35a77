// AMQP 0-9-1 frames: methods as buffers, and the server's byte stream cut into frames.

export const frameTypes = { method: 1, header: 2, body: 3, heartbeat: 8 };
const frameEnd = 0xce;
/** Type, channel and size before the payload. */
const headBytes = 7;

/** Class and method as one number, as they stand in a method frame. @param {number} classId @param {number} methodId */
const method = (classId, methodId) => classId * 65_536 + methodId;

export const methods = {
  connectionStart: method(10, 10),
  connectionStartOk: method(10, 11),
  connectionTune: method(10, 30),
  connectionTuneOk: method(10, 31),
  connectionOpen: method(10, 40),
  connectionOpenOk: method(10, 41),
  channelOpen: method(20, 10),
  channelOpenOk: method(20, 11),
  channelClose: method(20, 40),
  channelCloseOk: method(20, 41),
  queueDeclare: method(50, 10),
  queueDeclareOk: method(50, 11),
  queueDelete: method(50, 40),
  queueDeleteOk: method(50, 41),
  basicQos: method(60, 10),
  basicQosOk: method(60, 11),
  basicConsume: method(60, 20),
  basicConsumeOk: method(60, 21),
  basicPublish: method(60, 40),
  basicDeliver: method(60, 60),
  basicAck: method(60, 80),
  confirmSelect: method(85, 10),
  confirmSelectOk: method(85, 11),
};

/** @param {number} type @param {number} channel @param {Buffer} payload */
export function frame(type, channel, payload) {
  const head = Buffer.alloc(headBytes);
  head.writeUInt8(type, 0);
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, payload, Buffer.of(frameEnd)]);
}

/** @param {number} id Of `methods`. @param {number} channel @param {Buffer[]} fields */
export function methodFrame(id, channel, ...fields) {
  return frame(frameTypes.method, channel, Buffer.concat([long(id), ...fields]));
}

/** @param {number} value */
export function octet(value) {
  return Buffer.of(value);
}

/** @param {number} value */
export function short(value) {
  return Buffer.of(value >> 8, value & 255);
}

/** @param {number} value */
export function long(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** @param {number} value */
export function longLong(value) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** @param {string} text At most 255 bytes. */
export function shortString(text) {
  return Buffer.concat([octet(Buffer.byteLength(text)), Buffer.from(text)]);
}

/** @param {string} text */
export function longString(text) {
  return Buffer.concat([long(Buffer.byteLength(text)), Buffer.from(text)]);
}

/**
 * Reads whole frames and says how many bytes they were.
 * @param {Buffer} bytes
 * @param {(type: number, start: number, end: number) => void} onFrame Gets where the payload lies.
 */
export function readFrames(bytes, onFrame) {
  let at = 0;
  while (bytes.length - at >= headBytes) {
    const start = at + headBytes;
    const end = start + bytes.readUInt32BE(at + 3);
    if (bytes.length <= end) break;
    if (bytes[end] !== frameEnd) throw new Error('rabbitmq-server sent a frame without its end');
    onFrame(bytes[at] ?? 0, start, end);
    at = end + 1;
  }
  return at;
}
