// What the bus logs, and what never gets into it: JSON, one object a line, without keys, headers and payloads.
import { type Logger, type LoggerOptions, pino } from 'pino';

const secret = ['apiKey', 'token', 'authorization', 'cookie', 'headers', 'payload', 'body', 'envelope', 'raw'];

/** A net beneath the rule that nothing of this is handed to the log in the first place. */
const guards = {
  redact: { paths: secret.flatMap((name) => [name, `*.${name}`]), remove: true },
  serializers: { err: describeError },
} satisfies LoggerOptions;

/** Writes to standard error, at once: the last lines before an end are there. */
export function openLogger(level: string): Logger {
  return pino({ level, ...guards }, pino.destination({ dest: 2, sync: true }));
}

/** A logger of the caller's, with the same guards. */
export function guardLogger(logger: Logger): Logger {
  return logger.child({}, guards);
}

interface Described {
  type: string;
  code?: unknown;
  message: string;
  stack?: string | undefined;
  cause?: Described;
}

/** An error's further fields may hold what it was made of, so that they are left out. */
function describeError(error: unknown): unknown {
  return error instanceof Error ? described(error, 4) : { type: typeof error };
}

function described(error: Error & { code?: unknown }, depth: number): Described {
  const { code, message, stack, cause } = error;
  return {
    type: error.constructor.name,
    ...(typeof code === 'string' && { code }),
    message,
    stack,
    ...(cause instanceof Error && depth > 0 && { cause: described(cause, depth - 1) }),
  };
}
