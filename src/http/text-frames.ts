// Text frames of RFC 6455 as a server writes them: whole, unmasked, any number of them in one piece.

/** Opcode text, with the bit of a last fragment. */
const wholeText = 0x81;
const length16 = 126;
const length64 = 127;

/** The payloads are UTF-8; each becomes one frame, in their order. */
export function textFrames(payloads: readonly Buffer[]): Buffer {
  let size = 0;
  for (const { length } of payloads) size += headBytes(length) + length;
  const frames = Buffer.allocUnsafe(size);
  let at = 0;
  for (const payload of payloads) {
    at = writeHead(frames, at, payload.length);
    at += payload.copy(frames, at);
  }
  return frames;
}

function headBytes(length: number): number {
  if (length < length16) return 2;
  return length <= 0xffff ? 4 : 10;
}

/** Where the payload begins. */
function writeHead(frames: Buffer, at: number, length: number): number {
  frames[at] = wholeText;
  if (length < length16) return frames.writeUInt8(length, at + 1);
  if (length <= 0xffff) {
    frames[at + 1] = length16;
    return frames.writeUInt16BE(length, at + 2);
  }
  frames[at + 1] = length64;
  return frames.writeBigUInt64BE(BigInt(length), at + 2);
}
