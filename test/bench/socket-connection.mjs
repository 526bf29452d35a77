// A WebSocket client over a bare TCP socket: the handshake, text frames out as they are given, text frames in.
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { encodeFrame, FrameReader, opcodes } from './frames.mjs';

export class SocketConnection {
  #socket;
  #opened;

  /**
   * @param {object} options
   * @param {URL} options.url
   * @param {string} options.key
   * @param {string} options.agentId
   * @param {string} [options.subprotocol]
   * @param {(bytes: Buffer, start: number, end: number) => void} options.onText Bytes valid during the call only.
   * @param {(error: Error) => void} options.onFailure
   */
  constructor({ url, key, agentId, subprotocol, onText, onFailure }) {
    this.#socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
    this.#socket.on('error', onFailure);
    this.#socket.on('close', () => onFailure(new Error(`the server closed the socket of ${agentId}`)));
    const reader = new FrameReader((opcode, bytes, start, end) => {
      if (opcode === opcodes.text) onText(bytes, start, end);
      else if (opcode === opcodes.ping) this.write(encodeFrame(opcodes.pong, bytes.subarray(start, end)));
      else if (opcode === opcodes.close)
        throw new Error(`${agentId} was closed: ${bytes.toString('utf8', start + 2, end)}`);
    });
    const read = (/** @type {Buffer} */ chunk) => {
      try {
        reader.read(chunk);
      } catch (error) {
        onFailure(/** @type {Error} */ (error));
      }
    };
    this.#opened = this.#shakeHands(
      [
        `GET /?agent_id=${encodeURIComponent(agentId)} HTTP/1.1`,
        `Host: ${url.host}`,
        `x-agent-api-key: ${key}`,
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
        ...(subprotocol ? [`Sec-WebSocket-Protocol: ${subprotocol}`] : []),
      ],
      read,
    );
  }

  /** Resolves when the server has upgraded the connection. */
  ready() {
    return this.#opened;
  }

  /** @param {string[]} head @param {(chunk: Buffer) => void} read @returns {Promise<void>} */
  #shakeHands(head, read) {
    return new Promise((resolve, reject) => {
      let answer = Buffer.alloc(0);
      const onData = (/** @type {Buffer} */ chunk) => {
        answer = Buffer.concat([answer, chunk]);
        const end = answer.indexOf('\r\n\r\n') + 4;
        if (end < 4) return;
        this.#socket.off('data', onData);
        if (!answer.toString('latin1', 0, end).startsWith('HTTP/1.1 101'))
          return reject(new Error(`no upgrade: ${answer}`));
        this.#socket.on('data', read);
        resolve();
        if (answer.length > end) read(answer.subarray(end));
      };
      this.#socket.on('data', onData);
      this.#socket.once('error', reject);
      this.#socket.write(`${head.join('\r\n')}\r\n\r\n`);
    });
  }

  /** @param {Buffer} frames One or more whole frames. */
  write(frames) {
    this.#socket.write(frames);
  }

  close() {
    this.#socket.removeAllListeners('close');
    this.#socket.end(encodeFrame(opcodes.close, Buffer.from([0x03, 0xe8])));
  }
}
