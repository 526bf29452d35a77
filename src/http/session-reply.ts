// How a session is answered: once its events are durable, with the version of its context as ETag.
import type { FastifyReply } from 'fastify';
import type { SessionsView } from '../bus/sessions-view.ts';
import { BusError } from '../protocol/errors.ts';
import type { Session, SessionReply } from '../protocol/types.gen.ts';

/** @throws BusError SESSION_NOT_FOUND */
export function sessionOf(sessions: Pick<SessionsView, 'getSession'>, sessionId: string): Session {
  const session = sessions.getSession(sessionId);
  if (!session) throw new BusError('SESSION_NOT_FOUND', `Session ${sessionId} is not known; GET /sessions lists them.`);
  return session;
}

/** Waits for the session's events, then answers with it as it is by then. */
export async function settledReply(
  sessions: SessionsView,
  sessionId: string,
  reply: FastifyReply,
): Promise<SessionReply> {
  await sessions.settled(sessionId);
  return replyOf(sessionOf(sessions, sessionId), reply);
}

export function replyOf(session: Session, reply: FastifyReply): SessionReply {
  reply.header('etag', `"${session.context_version}"`);
  return { success: true, session };
}

/** The context version that an `If-Match` header asks for: `"3"` or `3`; nothing for `*` or no header. */
export function expectedVersionOf(ifMatch: string | undefined): {
  expectedVersion?: number;
} {
  if (ifMatch === undefined || ifMatch === '*') return {};
  const version = /^"?([1-9][0-9]{0,14})"?$/.exec(ifMatch)?.[1];
  if (version === undefined) {
    throw new BusError('VALIDATION_FAILED', 'The header If-Match must be one context version, such as "3".');
  }
  return { expectedVersion: Number(version) };
}
