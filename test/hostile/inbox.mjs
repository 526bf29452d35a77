// The recipient of what is accepted: acks everything at once, and keeps it until it is asked for.
import { frameOf, opcodes, RawWebSocket } from './raw-websocket.mjs';

const patienceMs = 20_000;

/** @param {import('./target.mjs').Target} target */
export async function openInbox(target) {
  const socket = await RawWebSocket.open(target, 'hostile://json');
  /** Bytes by message id. @type {Map<string, Buffer>} */
  const arrived = new Map();
  let wake = () => {};
  const reading = (async () => {
    for (;;) {
      const frame = await socket.json((value) => value.message_type !== undefined, 24 * 3_600_000);
      if (!frame) break;
      const { message_id: id } = frame.value;
      arrived.set(id, frame.payload);
      void socket.write(frameOf(opcodes.text, JSON.stringify({ type: 'ack', message_id: id })));
      wake();
    }
  })();
  return {
    /** What came under this id, or undefined where it does not come. @param {string} id */
    async take(id) {
      const late = AbortSignal.timeout(patienceMs);
      while (!arrived.has(id) && !late.aborted && !socket.connection.ended) {
        await new Promise((resolve) => {
          wake = () => resolve(undefined);
          late.onabort = wake;
        });
      }
      const bytes = arrived.get(id);
      arrived.delete(id);
      return bytes;
    },
    close() {
      socket.close();
      reading.catch(() => undefined);
    },
  };
}
