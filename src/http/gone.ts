// Notices that nobody waits for an answer any more.
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { End } from '../bus/access-watch.ts';
import { waitsNoLonger } from '../core/abort/waits-no-longer.ts';

/**
 * Aborted when the client has closed the connection before it was answered, or its half of it; when `hold` calls what it is
 * given, with that reason (it returns how to stop that); and with `closing`.
 */
export function goneSignal(reply: FastifyReply, hold: (end: End) => () => void, closing?: AbortSignal): AbortSignal {
  const gone = new AbortController();
  const abort = (): void => gone.abort();
  // It left while its credential was looked at: its `close` was before this.
  if (reply.raw.destroyed) {
    abort();
    return gone.signal;
  }
  closing?.addEventListener('abort', abort);
  const release = hold((reason) => gone.abort(reason));
  reply.raw.once('close', () => {
    closing?.removeEventListener('abort', abort);
    release();
    abort();
  });
  whenNoMoreComes(reply.raw, () => gone.abort(waitsNoLonger));
  return gone.signal;
}

/** Calls back once the client of the response has said that it sends no more: it may have gone, or read on. */
export function whenNoMoreComes(response: ServerResponse, call: () => void): void {
  const { socket } = response;
  if (!socket) return;
  if (socket.readableEnded) {
    call();
    return;
  }
  socket.once('end', call);
  response.once('close', () => socket.off('end', call));
}
