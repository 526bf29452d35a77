// RFC 6455 frames, written and read by hand: the `ws` client costs the load generator more than a relay costs the server.

export const opcodes = { text: 1, close: 8, ping: 9, pong: 10 };
/** Not zero, so that the server has to unmask as it must for any real client. */
const maskKey = Buffer.from([0x5a, 0xc3, 0x96, 0x3c]);

/** The masked frame of a payload. @param {number} opcode @param {Buffer} payload */
export function encodeFrame(opcode, payload) {
  const length = payload.length;
  const extended = length < 126 ? 0 : length < 65536 ? 2 : 8;
  const start = 6 + extended;
  const frame = Buffer.allocUnsafe(start + length);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) frame.writeUInt16BE(length, 2);
  if (extended === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  maskKey.copy(frame, start - 4);
  for (let at = 0; at < length; at++) frame[start + at] = payload[at] ^ maskKey[at & 3];
  return frame;
}

/** Where the payload of a frame made by `encodeFrame` begins. @param {number} length Of the payload. */
export function payloadStart(length) {
  return length < 126 ? 6 : length < 65536 ? 8 : 14;
}

/** The mask bytes that fall on `count` payload bytes from `at` on. @param {number} at @param {number} count */
export function maskAt(at, count) {
  return Uint8Array.from({ length: count }, (_, index) => maskKey[(at + index) & 3]);
}

/** Cuts a server's byte stream into frames. */
export class FrameReader {
  /** @type {Buffer} */
  #rest = Buffer.alloc(0);
  #onFrame;

  /** @param {(opcode: number, bytes: Buffer, start: number, end: number) => void} onFrame Valid during the call only. */
  constructor(onFrame) {
    this.#onFrame = onFrame;
  }

  /** @param {Buffer} chunk @throws Error for frames that a relay has no reason to send. */
  read(chunk) {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= 2) {
      const first = bytes[at];
      const size = bytes[at + 1];
      if (first < 0x80 || (first & 0x70) !== 0 || size > 127)
        throw new Error('a fragmented, compressed or masked frame');
      const start = at + (size < 126 ? 2 : size === 126 ? 4 : 10);
      if (bytes.length < start) break;
      const length =
        size < 126 ? size : size === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
      const end = start + length;
      if (bytes.length < end) break;
      this.#onFrame(first & 0x0f, bytes, start, end);
      at = end;
    }
    this.#rest = at === bytes.length ? Buffer.alloc(0) : bytes.subarray(at);
  }
}
