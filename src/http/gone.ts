// Notices that nobody waits for an answer any more.
import type { FastifyReply } from 'fastify';
import type { End } from '../bus/access-watch.ts';

/**
 * Aborted when the client has closed the connection before it was answered; when `hold` calls what it is given, with that
 * reason (it returns how to stop that); and with `closing`.
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
  return gone.signal;
}
