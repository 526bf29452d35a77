// A WebSocket client for tests: every frame, receipt and close is awaited with a deadline, every frame is valid by its schema.
import { once } from 'node:events';
import http from 'node:http';
import type { Socket } from 'node:net';
import WebSocket, { type ClientOptions } from 'ws';
import { validatorOf } from '../../src/schema/registry.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests read frames freely; their shape was checked against the schema
export type Frame = any;

const deadlineMs = 3_000;

const schemaOf: Readonly<Record<string, string>> = {
  hello: 'HelloFrame',
  accepted: 'AcceptedFrame',
  rejected: 'RejectedFrame',
  draining: 'DrainingFrame',
};

/** The upgrade was answered with an HTTP status. */
class UpgradeRefused extends Error {
  readonly status: number;
  readonly body: Frame;

  constructor(status: number, body: Frame) {
    super(`${status} ${body?.code}`);
    this.status = status;
    this.body = body;
  }
}

export class SocketClient {
  readonly ws: WebSocket;
  /** Frames that nobody has asked for yet, as they came. */
  readonly unread: { text: string; frame: Frame }[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  #wake: () => void = () => undefined;

  private constructor(ws: WebSocket) {
    this.ws = ws;
    ws.on('message', (data) => {
      const text = String(data);
      this.unread.push({ text, frame: JSON.parse(text) });
      this.#wake();
    });
    ws.on('error', () => undefined);
    this.closed = once(ws, 'close').then(([code, reason]) => ({ code, reason: String(reason) }));
  }

  /** @throws UpgradeRefused */
  static async open(url: string, protocols: string[], options: ClientOptions): Promise<SocketClient> {
    const ws = new WebSocket(url, protocols, options);
    const client = new SocketClient(ws);
    await new Promise<void>((resolve, reject) => {
      ws.once('open', resolve);
      ws.once('error', reject);
      ws.once('unexpected-response', (_request, response) => {
        response.toArray().then((chunks) => {
          reject(new UpgradeRefused(response.statusCode ?? 0, JSON.parse(Buffer.concat(chunks).toString())));
        }, reject);
      });
    });
    return client;
  }

  /** The first unread frame that fits, in time. Others stay unread. */
  async nextRaw(fits: (frame: Frame) => boolean = () => true): Promise<{ text: string; frame: Frame }> {
    const deadline = Date.now() + deadlineMs;
    for (;;) {
      const index = this.unread.findIndex(({ frame }) => fits(frame));
      const [found] = index < 0 ? [] : this.unread.splice(index, 1);
      if (found) {
        expectSchema(found.frame);
        return found;
      }
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`no such frame within ${deadlineMs} ms; unread: ${JSON.stringify(this.unread)}`);
      await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), pause(left)]);
    }
  }

  async next(fits?: (frame: Frame) => boolean): Promise<Frame> {
    return (await this.nextRaw(fits)).frame;
  }

  /** The next frame of this type. */
  type(type: string): Promise<Frame> {
    return this.next((frame) => frame.type === type);
  }

  /** The next envelope, or the one with this id. */
  envelope(id?: string): Promise<Frame> {
    return this.next((frame) => frame.message_type !== undefined && (id === undefined || frame.message_id === id));
  }

  async envelopes(count: number): Promise<string[]> {
    const ids: string[] = [];
    while (ids.length < count) ids.push((await this.envelope()).message_id);
    return ids;
  }

  /** The receipt of one message, out of whichever frame it comes in. */
  async receipt(id: string): Promise<Frame> {
    const isMine = (receipt: Frame) => receipt.message_id === id;
    const frame = await this.next(({ type, receipts }) => type === 'accepted' && receipts.some(isMine));
    const rest = frame.receipts.filter((receipt: Frame) => !isMine(receipt));
    if (rest.length > 0) this.unread.unshift({ text: '', frame: { ...frame, receipts: rest } });
    return frame.receipts.find(isMine);
  }

  send(frame: unknown): void {
    this.ws.send(JSON.stringify(frame));
  }

  sendText(text: string | Buffer): void {
    this.ws.send(text, { binary: false });
  }

  ack(...messageIds: string[]): void {
    this.send({ type: 'ack', message_ids: messageIds });
  }

  /** Comes back after the server has handled all that was sent before: a frame it refuses with the same id. */
  async roundTrip(): Promise<void> {
    const message_id = `no-such-message-${++roundTrips}`;
    this.send({ type: 'extend', message_id });
    await this.next((frame) => frame.type === 'rejected' && frame.message_id === message_id);
  }

  async close(): Promise<void> {
    this.ws.close();
    await this.closed;
  }

  /** The connection breaks without a word. */
  async cut(): Promise<void> {
    this.ws.terminate();
    await this.closed;
  }
}

let roundTrips = 0;

function expectSchema(frame: Frame): void {
  const name = frame.message_type === undefined ? schemaOf[frame.type] : 'CompleteEnvelope';
  const validate = validatorOf(name ?? 'HelloFrame');
  if (!validate(frame)) throw new Error(`${name}: ${JSON.stringify(validate.errors)} in ${JSON.stringify(frame)}`);
}

/** The TCP stream of an open WebSocket: it answers no ping, and reads nothing before it is told to. */
export async function openRawSocket(url: string, headers: Record<string, string>): Promise<Socket> {
  const request = http.get(url.replace('ws:', 'http:'), {
    agent: false,
    headers: {
      connection: 'upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      ...headers,
    },
  });
  const [, socket] = (await once(request, 'upgrade')) as [http.IncomingMessage, Socket];
  socket.on('error', () => undefined);
  socket.pause();
  return socket;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
