// The RFC 9457 body of an error, and how it is written as a reply.
import type { FastifyReply } from 'fastify';
import { type BusError, errorTable } from '../protocol/errors.ts';
import type { Problem } from '../protocol/types.gen.ts';

export const problemType = 'application/problem+json; charset=utf-8';

/** `messageId` names the message of a batch that the problem is about. */
export function problemOf(error: BusError, messageId?: string): Problem {
  const { status, title, retryable } = errorTable[error.code];
  const problem: Problem = {
    type: 'about:blank',
    title,
    status,
    success: false,
    code: error.code,
    error: error.message,
    retryable,
  };
  if (messageId !== undefined) problem.message_id = messageId;
  if (error.details.length > 0) problem.errors = [...error.details];
  return problem;
}

export function headersOfProblem({ status, retryAfterMs }: BusError): Record<string, string> {
  const retryLater = status === 429 || status === 503 || retryAfterMs !== undefined;
  const seconds = Math.max(1, Math.ceil((retryAfterMs ?? 1_000) / 1_000));
  return { ...(retryLater && { 'retry-after': String(seconds) }), 'content-type': problemType };
}

export function replyProblem(reply: FastifyReply, error: BusError): FastifyReply {
  // Fastify asks to close after a body that it did not read; Node reads the rest away, and the answer arrives.
  if (reply.raw.shouldKeepAlive && reply.hasHeader('connection')) reply.removeHeader('connection');
  const { raw } = reply.request;
  if (raw.headers.upgrade !== undefined) {
    // A refused upgrade is out of the server's hands: nobody else ends its connection.
    reply.header('connection', 'close');
    reply.raw.once('finish', () => raw.socket.end());
  }
  return reply.code(error.status).headers(headersOfProblem(error)).send(problemOf(error));
}
