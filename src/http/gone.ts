// Notices that nobody waits for an answer any more.
import type { FastifyReply } from 'fastify';

/** Aborted when the client has closed the connection before it was answered, or with `closing`. */
export function goneSignal(reply: FastifyReply, closing?: AbortSignal): AbortSignal {
  const gone = new AbortController();
  const abort = (): void => gone.abort();
  closing?.addEventListener('abort', abort);
  reply.raw.once('close', () => {
    closing?.removeEventListener('abort', abort);
    abort();
  });
  return gone.signal;
}
