// The parts of the benchmark on which its honesty rests: ids, frames, counts, figures.
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { counterDigits, counterOffsets, createEnvelope, envelopeBytes, idOf, writeCounter } from './envelopes.mjs';
import { encodeFrame, FrameReader, maskAt, opcodes, payloadStart } from './frames.mjs';

const parts = { run: 'abc01', sender: 'bench://a', recipient: 'bench://b', timestamp: '2025-02-02T11:00:00.000Z' };

test('a patched masked frame is read by a real server as the envelope with that id', async () => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const { SocketConnection } = await import('./socket-connection.mjs');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const envelope = createEnvelope(parts);
  const payload = Buffer.from(JSON.stringify(envelope));
  const [at = -1] = counterOffsets(payload, parts.run);
  const frame = encodeFrame(opcodes.text, payload);
  writeCounter(frame, payloadStart(payload.length) + at, 987_654_321, maskAt(at, counterDigits));

  const arrived = new Promise((resolve) => {
    server.on('connection', (socket) => socket.on('message', (data) => resolve(JSON.parse(String(data)))));
  });
  const url = new URL(`http://127.0.0.1:${port}`);
  const onFailure = () => {};
  const connection = new SocketConnection({ url, key: 'k', agentId: parts.sender, onText: () => {}, onFailure });
  await connection.ready();
  connection.write(frame);
  expect(await arrived).toEqual({ ...envelope, message_id: idOf(parts.run, 987_654_321) });
  connection.close();
  server.close();
});

test('an envelope has exactly the announced size whatever the names in it', () => {
  for (const sender of ['bench://a', 'bench://a-longer-name']) {
    expect(Buffer.byteLength(JSON.stringify(createEnvelope({ ...parts, sender })))).toBe(envelopeBytes);
  }
});

test('the frame reader finds the same frames wherever the stream is cut', () => {
  const stream = Buffer.concat(['a', 'b'.repeat(200), 'c'.repeat(70_000), ''].map(serverFrame));
  for (const size of [3, 1000, stream.length]) {
    /** @type {number[]} */
    const lengths = [];
    const reader = new FrameReader((_opcode, _bytes, start, end) => lengths.push(end - start));
    for (let at = 0; at < stream.length; at += size) reader.read(stream.subarray(at, at + size));
    expect(lengths).toEqual([1, 200, 70_000, 0]);
  }
});

/** An unmasked text frame. @param {string} text */
function serverFrame(text) {
  const length = Buffer.byteLength(text);
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = 0x81;
  head[1] = length < 126 ? length : length < 65_536 ? 126 : 127;
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, Buffer.from(text)]);
}
