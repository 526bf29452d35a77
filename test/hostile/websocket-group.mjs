// Every case of RFC 6455 on a socket of its own, written as bytes: how the bus closes it, or that it goes on.
import { faultOfReply } from './documented.mjs';
import { RawConnection } from './raw-connection.mjs';
import { replyOn } from './raw-http.mjs';
import { frameOf, opcodes, RawWebSocket } from './raw-websocket.mjs';
import { upgradeCases } from './upgrade-cases.mjs';
import { socketCases } from './websocket-cases.mjs';

/** @typedef {import('./target.mjs').Target} Target */

/** @param {Target} target */
export async function runWebSocket(target) {
  const cases = [
    ...socketCases.map((one) => ({ name: one.name, run: () => faultOnSocket(target, one) })),
    ...upgradeCases.map((one) => ({ name: `upgrade: ${one.name}`, run: () => faultOfUpgrade(target, one) })),
  ];
  for (const [index, { name, run }] of cases.entries()) {
    if (target.onlyCase !== undefined && target.onlyCase !== index) continue;
    const fault = await run().catch((error) => String(error));
    target.tried();
    if (fault) target.violation(`${name}: ${fault}`, `--case ${index}`);
  }
}

/** @param {string} id @param {string} canary */
function envelopeOf(id, canary) {
  return Buffer.from(
    JSON.stringify({
      message_id: id,
      sender: { agent_id: 'hostile://websocket' },
      recipient: { agent_id: 'hostile://sink' },
      message_type: 'status_update',
      payload: `\u{1F68C} ${canary} ${'.'.repeat(200)}`,
    }),
  );
}

/** @param {Target} target @param {import('./websocket-cases.mjs').SocketCase} one */
async function faultOnSocket(target, { bytes, expected, delivers = false, answer, pongs = 0, ends = false }) {
  const canary = target.canaries.next();
  // Ids of messages may be logged.
  const id = `websocket-${canary.replace('canary', 'no')}`;
  const socket = await RawWebSocket.open(target, 'hostile://websocket');
  try {
    if (!(await socket.json((frame) => frame.type === 'hello'))) return 'no hello';
    for (const part of bytes(envelopeOf(id, canary))) void socket.write(Buffer.from(part));
    if (ends) socket.connection.end();
    if (expected !== 'open') {
      const code = await socket.closeCode();
      if (code !== expected) return `closed with ${code}, not ${expected}`;
      if (!socket.connection.ended) socket.connection.end();
      await socket.connection.untilEnd(5_000);
      return socket.connection.ended ? undefined : 'the TCP connection stays open behind the close';
    }
    void socket.write(frameOf(opcodes.ping, 'the last'));
    return await faultOfOpen(socket, id, { delivers, answer, pongs });
  } finally {
    socket.close();
  }
}

/** @param {RawWebSocket} socket @param {string} id @param {{ delivers: boolean, answer: string | undefined, pongs: number }} wanted */
async function faultOfOpen(socket, id, { delivers, answer, pongs }) {
  let seenPongs = 0;
  let isAccepted = false;
  let isAlive = false;
  /** @type {string | undefined} */
  let refusal;
  while (!isAlive || isAccepted !== delivers || refusal !== answer) {
    const frame = await socket.next(5_000);
    if (!frame) return `silence: alive ${isAlive}, accepted ${isAccepted}, refused ${refusal}`;
    if (frame.opcode === opcodes.close) return `closed with ${frame.payload.readUInt16BE(0)}, not left open`;
    if (frame.opcode === opcodes.pong) {
      isAlive = frame.payload.toString() === 'the last';
      if (!isAlive) seenPongs++;
    } else if (frame.opcode === opcodes.text) {
      const value = JSON.parse(frame.payload.toString());
      if (value.type === 'rejected') refusal = value.code;
      if (value.receipts?.some((/** @type {any} */ one) => one.message_id === id)) isAccepted = true;
    }
  }
  return seenPongs === pongs ? undefined : `${seenPongs} pongs, not ${pongs}`;
}

/** @param {Target} target @param {import('./upgrade-cases.mjs').UpgradeCase} one */
async function faultOfUpgrade(target, { bytes, expected }) {
  const connection = new RawConnection(target);
  try {
    void connection.write(bytes);
    const reply = await replyOn(connection, { withinMs: 5_000 });
    if (!reply) return 'no answer';
    const code = reply.status === 101 ? '' : ` ${JSON.parse(reply.body.toString()).code}`;
    const fault = faultOfReply(reply, { sent: bytes });
    if (fault) return fault;
    if (`${reply.status}${code}` !== expected) return `${reply.status}${code}, not ${expected}`;
    if (reply.status === 101) return (await new RawWebSocket(connection).next()) ? undefined : 'no hello';
    // Plain HTTP goes on with the next request; a refused upgrade does not.
    if (reply.headers.connection === 'close') await connection.untilEnd(5_000);
    return reply.headers.connection === 'close' && !connection.ended ? 'it stays open though it says close' : undefined;
  } finally {
    connection.close();
  }
}
