// Turns everything that a route or Fastify itself throws into a problem reply.
import type { FastifyBaseLogger, FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { BusError, type ErrorCode } from '../protocol/errors.ts';
import { type LogIds, logIdsOf } from './log-ids.ts';
import { replyProblem } from './problem.ts';

/** What Fastify and its plugins refuse before a route runs. */
const frameworkErrors: Readonly<Record<string, readonly [code: ErrorCode, message: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['PAYLOAD_TOO_LARGE', 'The body is larger than `maxPayload` allows; send less at once.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'UNSUPPORTED_MEDIA_TYPE',
    'The body must be JSON in UTF-8; send `content-type: application/json`.',
  ],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    'BAD_REQUEST',
    'The body is not as long as `content-length` says; send it again.',
  ],
  FST_ERR_BAD_URL: ['BAD_REQUEST', 'The path is not a valid URL path; percent-encode it as UTF-8.'],
  FST_ERR_MAX_PARAM_LENGTH: ['URI_TOO_LONG', 'An id in the path is too long; ids have at most 160 characters.'],
};

/** Refusals of a dependency (the file server of the viewer) that carry only a status. */
const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  403: 'FORBIDDEN',
  404: 'ROUTE_NOT_FOUND',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
};

export function toBusError(error: unknown): BusError {
  if (error instanceof BusError) return error;
  const { code, statusCode } = (error ?? {}) as Partial<FastifyError>;
  const known = code === undefined ? undefined : frameworkErrors[code];
  if (known) return new BusError(known[0], known[1], { cause: error });
  const isRefusal = statusCode !== undefined && statusCode >= 400 && statusCode < 500;
  const byStatus = isRefusal ? (codeOfStatus[statusCode] ?? 'BAD_REQUEST') : undefined;
  if (byStatus) return new BusError(byStatus, 'The request was refused; check its path and body.', { cause: error });
  return new BusError('INTERNAL', 'The bus failed to handle the request; see its log for the reason.', {
    cause: error,
  });
}

/** What is known of a request beside its error. */
interface RequestFacts extends LogIds {
  reqId: string;
  method: string;
  path: string | undefined;
}

export type FaultLog = (refusal: BusError, cause: unknown, request: RequestFacts) => void;

export function createFaultLog(logger: FastifyBaseLogger | undefined): FaultLog {
  return (refusal, cause, request) => {
    if (!logger) return;
    const line = { ...request, code: refusal.code };
    if (refusal.code === 'INTERNAL') logger.error({ ...line, err: cause }, 'request failed');
    // Providers may quote what they were sent.
    else if (refusal.code.startsWith('PROVIDER_')) logger.warn(line, 'request refused');
    else logger.warn({ ...line, err: refusal }, 'request refused');
  };
}

/** What a request that failed is answered with. */
export type NoteFailure = (error: unknown, request: FastifyRequest) => BusError;

/** Faults are logged; what a client does wrong it is told itself. */
export function createFailureNotes(
  logFault: FaultLog,
  onRefusal: (refusal: BusError, request: FastifyRequest) => void,
): NoteFailure {
  return (error, request) => {
    const refusal = toBusError(error);
    if (refusal.status >= 500) {
      const { id: reqId, method, routeOptions } = request;
      logFault(refusal, error, { reqId, method, path: routeOptions.url, ...logIdsOf(request) });
    } else onRefusal(refusal, request);
    return refusal;
  };
}

export function createErrorHandler(noteFailure: NoteFailure) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply =>
    replyProblem(reply, noteFailure(error, request));
}
