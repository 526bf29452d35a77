// What plain HTTP connections may cost: how many there are, and how slowly one may read its answer.
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { BusError } from '../protocol/errors.ts';
import { refuseConnection } from './client-error.ts';
import { readyEvent, speaksTls } from './tls.ts';

export interface HttpConnectionLimits {
  /** Open WebSockets are not among them. */
  maxHttpConnections: number;
  /** Bytes that an answer's reader has to take in every `slowReaderTimeout`. */
  maxBufferedBytes: number;
  /** Milliseconds. */
  slowReaderTimeout: number;
}

/** Holds the connections of `server` to the limits until it is closed. */
export function limitHttpConnections(server: Server, limits: HttpConnectionLimits): void {
  limitNumber(server, limits);
  cutOffSlowReaders(server, limits);
}

function limitNumber(server: Server, { maxHttpConnections }: HttpConnectionLimits): void {
  let open = 0;
  server.on('connection', (socket: Socket) => {
    // Refused already.
    if (!socket.writable) return;
    if (open >= maxHttpConnections) {
      const message = `All ${maxHttpConnections} connections are taken; try again later.`;
      refuseAtOnce(server, socket, message);
      return;
    }
    open++;
    socket.once('close', () => open--);
  });
  // A WebSocket is counted by its own door.
  server.on('upgrade', (_request, socket) => {
    open--;
    socket.once('close', () => open++);
  });
}

/** In words where that is possible: before its handshake a client of TLS could not read them. */
export function refuseAtOnce(server: Server, socket: Socket, message: string): void {
  if (speaksTls(server)) socket.destroy();
  else refuseConnection(socket, new BusError('TOO_MANY_CONNECTIONS', message));
}

/** A connection whose answer has been lying unread. */
interface Lag {
  since: number;
  /** Bytes that the kernel had taken by then. */
  taken: number;
}

function cutOffSlowReaders(server: Server, { maxBufferedBytes, slowReaderTimeout }: HttpConnectionLimits): void {
  const lags = new Map<Socket, Lag | undefined>();
  server.on(readyEvent(server), (socket: Socket) => {
    lags.set(socket, undefined);
    socket.once('close', () => lags.delete(socket));
  });
  // What a WebSocket leaves unread its own door sees.
  server.on('upgrade', (_request, socket) => lags.delete(socket as Socket));
  const sweep = setInterval(
    () => {
      const now = performance.now();
      for (const [socket, lag] of lags) {
        if (socket.writableLength === 0) {
          if (lag) lags.set(socket, undefined);
          continue;
        }
        const taken = bytesTaken(socket);
        const share = lag && (taken - lag.taken) / maxBufferedBytes;
        if (!lag || share === undefined || share >= 1) lags.set(socket, { since: now, taken });
        else if (now - lag.since > slowReaderTimeout * (1 + share)) socket.destroy();
      }
    },
    Math.min(slowReaderTimeout / 4, 5_000),
  );
  sweep.unref();
  server.once('close', () => clearInterval(sweep));
}

interface StreamHandle {
  bytesWritten: number;
  /** What of them the kernel has not taken yet. */
  writeQueueSize: number;
}

/** `socket.bytesWritten` counts what waits as well, and one large write is all written or not at all. */
function bytesTaken(socket: Socket): number {
  const handle: StreamHandle | null = Reflect.get(socket, '_handle');
  return handle ? handle.bytesWritten - handle.writeQueueSize : 0;
}
