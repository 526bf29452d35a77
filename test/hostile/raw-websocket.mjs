// RFC 6455 by hand: frames as any bits make them, and what the server says on such a socket.
import { RawConnection } from './raw-connection.mjs';
import { replyOn } from './raw-http.mjs';
import { apiKey } from './server-process.mjs';

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };
const mask = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

/**
 * @typedef {object} FrameBits
 * @property {boolean} [fin] @property {number} [reserved] Bits RSV1 to RSV3 as 4, 2, 1.
 * @property {boolean} [masked] @property {7 | 16 | 64} [lengthBits] At least as many as the length needs where left out.
 * @property {bigint} [claims] Another length than that of the payload.
 */

/** @param {number} opcode @param {Buffer | string} payload @param {FrameBits} [bits] */
export function frameOf(opcode, payload, { fin = true, reserved = 0, masked = true, lengthBits, claims } = {}) {
  const data = Buffer.from(payload);
  const length = claims ?? BigInt(data.length);
  const size = lengthBits ?? (length < 126n ? 7 : length < 65_536n ? 16 : 64);
  const head = Buffer.alloc(2 + (size === 7 ? 0 : size / 8));
  head[0] = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  head[1] = (masked ? 0x80 : 0) | (size === 7 ? Number(length) : size === 16 ? 126 : 127);
  if (size === 16) head.writeUInt16BE(Number(length), 2);
  if (size === 64) head.writeBigUInt64BE(length, 2);
  if (!masked) return Buffer.concat([head, data]);
  for (let at = 0; at < data.length; at++) data[at] ^= mask[at & 3];
  return Buffer.concat([head, mask, data]);
}

/** A close frame. @param {number | undefined} code @param {Buffer | string} [reason] */
export function closeFrame(code, reason = '') {
  if (code === undefined) return frameOf(opcodes.close, '');
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return frameOf(opcodes.close, Buffer.concat([payload, Buffer.from(reason)]));
}

/** The bytes of an upgrade. `headers` replace or add; `undefined` leaves one out. */
export function upgradeOf(
  /** @type {string} */ agentId,
  /** @type {Record<string, string | string[] | undefined>} */ headers = {},
  { method = 'GET', path = `/?agent_id=${agentId}`, version = '1.1' } = {},
) {
  const all = {
    host: 'localhost',
    'x-agent-api-key': apiKey,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-protocol': 'agent-bus.v1',
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((one) => `${name}: ${one}\r\n`),
  );
  return Buffer.from(`${method} ${path} HTTP/${version}\r\n${lines.join('')}\r\n`, 'latin1');
}

/** @typedef {{ opcode: number, payload: Buffer }} ServerFrame */

export class RawWebSocket {
  #connection;

  /** @param {RawConnection} connection Upgraded. */
  constructor(connection) {
    this.#connection = connection;
  }

  /**
   * @param {{ port: number }} target @param {string} agentId
   * @param {{ reads?: boolean, headers?: Record<string, string | string[] | undefined>, behind?: Buffer }} [options]
   *   `behind`: bytes in the same write as the upgrade.
   * @throws Error where it is not let in
   */
  static async open(target, agentId, { headers, behind = Buffer.alloc(0) } = {}) {
    const connection = new RawConnection(target);
    await connection.write(Buffer.concat([upgradeOf(agentId, headers), behind]));
    const reply = await replyOn(connection);
    if (reply?.status !== 101) {
      connection.close();
      throw new Error(`the upgrade was answered with ${reply?.status} ${reply?.body}`);
    }
    return new RawWebSocket(connection);
  }

  get connection() {
    return this.#connection;
  }

  /** @param {Buffer} bytes */
  write(bytes) {
    return this.#connection.write(bytes);
  }

  /** The next frame but pings, which are answered; undefined when none came until the end or within the time. @param {number} [withinMs] @returns {Promise<ServerFrame | undefined>} */
  async next(withinMs = 20_000) {
    const connection = this.#connection;
    const until = performance.now() + withinMs;
    for (let needed = 2; ; ) {
      while (connection.available < needed) {
        if (connection.ended || performance.now() >= until) return undefined;
        await connection.more(until - performance.now());
      }
      const { length, opcode, payload } = firstFrame(connection.unread);
      needed = payload ? 2 : length;
      if (!payload) continue;
      connection.take(length);
      if (opcode !== opcodes.ping) return { opcode, payload };
      await connection.write(frameOf(opcodes.pong, payload));
    }
  }

  /** The next text frame that passes, as JSON. @param {(frame: any) => boolean} [wanted] @param {number} [withinMs] */
  async json(wanted = () => true, withinMs = 20_000) {
    const until = performance.now() + withinMs;
    for (;;) {
      const frame = await this.next(Math.max(0, until - performance.now()));
      if (!frame || frame.opcode === opcodes.close) return undefined;
      if (frame.opcode !== opcodes.text) continue;
      const value = JSON.parse(frame.payload.toString());
      if (wanted(value)) return { value, payload: frame.payload };
    }
  }

  /**
   * How the server ends it: its close code; 1005 for a close frame without one, 1006 for none at all, undefined while it stays open.
   * @param {number} [withinMs]
   */
  async closeCode(withinMs = 20_000) {
    const until = performance.now() + withinMs;
    for (;;) {
      const frame = await this.next(Math.max(0, until - performance.now()));
      if (!frame) return this.#connection.ended ? 1006 : undefined;
      if (frame.opcode === opcodes.close) return frame.payload.length < 2 ? 1005 : frame.payload.readUInt16BE(0);
    }
  }

  close() {
    this.#connection.close();
  }
}

/**
 * What the frame at the front is, once all of it is there; until then only how many bytes that takes, as far as it is known.
 * @param {Buffer} bytes At least two. @returns {{ opcode: number, length: number, payload?: Buffer }}
 * @throws Error for a frame that no server may send
 */
function firstFrame(bytes) {
  const [first = 0, second = 0] = bytes;
  if ((first & 0xf0) !== 0x80 || second > 127) throw new Error('the server sent a masked, cut or reserved frame');
  const opcode = first & 0x0f;
  const start = second < 126 ? 2 : second === 126 ? 4 : 10;
  if (bytes.length < start) return { opcode, length: start };
  const size = second < 126 ? second : second === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const length = start + size;
  return bytes.length < length ? { opcode, length } : { opcode, length, payload: bytes.subarray(start, length) };
}
