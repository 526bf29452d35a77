// The one error class and the one table of its codes; README and tests are held against this table.

/** What a code means at each door. */
interface ErrorPolicy {
  /** HTTP status of the problem response. */
  status: number;
  /** RFC 9110 phrase or a short title of our own. */
  title: string;
  /** WebSocket close code, where this error ends a socket. */
  close?: number;
  /** Whether the same request may succeed later without a change. */
  retryable: boolean;
}

/** Append only: a published code keeps its meaning and is never used again for another. */
export const errorTable = {
  MALFORMED_JSON: { status: 400, title: 'Malformed JSON', retryable: false },
  VALIDATION_FAILED: { status: 400, title: 'Validation failed', retryable: false },
  KEY_IN_QUERY: { status: 400, title: 'Key in the query string', retryable: false },
  UNKNOWN_STEP: { status: 400, title: 'Unknown workflow step', retryable: false },
  INVALID_WORKFLOW: { status: 400, title: 'Invalid workflow', retryable: false },
  UNAUTHORIZED: { status: 401, title: 'Unauthorized', close: 1008, retryable: false },
  FORBIDDEN: { status: 403, title: 'Forbidden', close: 1008, retryable: false },
  WORKSPACE_FORBIDDEN: { status: 403, title: 'Workspace forbidden', close: 1008, retryable: false },
  SENDER_FORBIDDEN: { status: 403, title: 'Sender forbidden', retryable: false },
  NOT_A_PARTICIPANT: { status: 403, title: 'Not a participant', retryable: false },
  REGISTRATION_REQUIRED: { status: 403, title: 'Registration required', close: 1008, retryable: false },
  ROUTE_NOT_FOUND: { status: 404, title: 'No such route', retryable: false },
  AGENT_NOT_FOUND: { status: 404, title: 'Agent not found', close: 1008, retryable: false },
  MESSAGE_NOT_FOUND: { status: 404, title: 'Message not found', retryable: false },
  SESSION_NOT_FOUND: { status: 404, title: 'Session not found', retryable: false },
  PARTICIPANT_NOT_FOUND: { status: 404, title: 'Participant not found', retryable: false },
  TASK_NOT_FOUND: { status: 404, title: 'Task not found', retryable: false },
  CHAT_NOT_FOUND: { status: 404, title: 'Chat not found', retryable: false },
  METHOD_NOT_ALLOWED: { status: 405, title: 'Method not allowed', retryable: false },
  MESSAGE_ID_CONFLICT: { status: 409, title: 'Message id taken', retryable: false },
  MESSAGE_SETTLED: { status: 409, title: 'Message already settled', retryable: false },
  NOT_OFFERED: { status: 409, title: 'Message not offered', retryable: false },
  SESSION_EXISTS: { status: 409, title: 'Session id taken', retryable: false },
  SESSION_ENDED: { status: 409, title: 'Session ended', retryable: false },
  PARTICIPANT_EXISTS: { status: 409, title: 'Already a participant', retryable: false },
  STEP_NOT_OPEN: { status: 409, title: 'Step not open', retryable: true },
  STEP_HAS_OPEN_TASKS: { status: 409, title: 'Step has open tasks', retryable: true },
  TASK_EXISTS: { status: 409, title: 'Task id taken', retryable: false },
  TASK_ENDED: { status: 409, title: 'Task ended', retryable: false },
  CHAT_EXISTS: { status: 409, title: 'Chat id taken', retryable: false },
  CHAT_BUSY: { status: 409, title: 'Chat is answering', retryable: true },
  CHAT_LIMIT: { status: 409, title: 'Too many chats', retryable: true },
  CHAT_ABORTED: { status: 409, title: 'Turn aborted', retryable: true },
  NO_ACTIVE_CHAT: { status: 409, title: 'No active chat', retryable: false },
  VERSION_MISMATCH: { status: 412, title: 'Version mismatch', retryable: false },
  PAYLOAD_TOO_LARGE: { status: 413, title: 'Payload too large', close: 1009, retryable: false },
  URI_TOO_LONG: { status: 414, title: 'URI too long', retryable: false },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'Unsupported media type', close: 1003, retryable: false },
  MAILBOX_FULL: { status: 429, title: 'Mailbox full', retryable: true },
  RATE_LIMITED: { status: 429, title: 'Too many requests', retryable: true },
  SESSION_LIMIT: { status: 429, title: 'Too many sessions', retryable: true },
  UPGRADE_REQUIRED: { status: 426, title: 'Upgrade required', retryable: false },
  HEADERS_TOO_LARGE: { status: 431, title: 'Headers too large', retryable: false },
  INTERNAL: { status: 500, title: 'Internal error', close: 1011, retryable: true },
  STORE_FAILED: { status: 503, title: 'Store failed', close: 1011, retryable: true },
  SHUTTING_DOWN: { status: 503, title: 'Shutting down', close: 1012, retryable: true },
  TOO_MANY_CONNECTIONS: { status: 503, title: 'Too many connections', retryable: true },
  SLOW_READER: { status: 503, title: 'Slow reader', close: 1013, retryable: true },
  STORE_FULL: { status: 507, title: 'Store full', retryable: true },
  REPLY_TIMEOUT: { status: 504, title: 'No reply in time', retryable: true },
  CHAT_AGENT_FAILED: { status: 502, title: 'Agent answered with an error', retryable: false },
  CHAT_TIMEOUT: { status: 504, title: 'No reply in time', retryable: true },
  CONFIG_INVALID: { status: 500, title: 'Invalid configuration', retryable: false },
  NOT_RUNNING: { status: 503, title: 'Not running', retryable: true },
  PORT_IN_USE: { status: 500, title: 'Port in use', retryable: true },
  STORE_IN_USE: { status: 500, title: 'Store in use', retryable: true },
  STORE_UNREADABLE: { status: 500, title: 'Store unreadable', retryable: false },
  BACKUP_FAILED: { status: 500, title: 'Backup failed', retryable: false },
  PARTICIPANT_LIMIT: { status: 409, title: 'Too many participants', retryable: true },
  BAD_REQUEST: { status: 400, title: 'Bad request', retryable: false },
  REQUEST_TIMEOUT: { status: 408, title: 'Request timeout', retryable: true },
  HOST_NOT_ALLOWED: { status: 421, title: 'Misdirected request', retryable: false },
  ORIGIN_NOT_ALLOWED: { status: 403, title: 'Origin not allowed', retryable: false },
  ENCRYPTION_KEY_WRONG: { status: 500, title: 'Encryption key missing or wrong', retryable: false },
  STORE_NOT_ENCRYPTED: { status: 500, title: 'Store not encrypted', retryable: false },
  TOO_MANY_INVALID_FRAMES: { status: 400, title: 'Too many invalid frames', close: 1008, retryable: false },
  UNKNOWN_PROVIDER: { status: 400, title: 'Unknown provider', retryable: false },
  UNKNOWN_MODEL: { status: 400, title: 'Unknown model', retryable: false },
  TEMPLATE_NOT_FOUND: { status: 404, title: 'Template not found', retryable: false },
  TEMPLATE_EXISTS: { status: 409, title: 'Template id taken', retryable: false },
  PROVIDER_ABORTED: { status: 409, title: 'Provider call aborted', retryable: true },
  PROVIDER_RATE_LIMITED: { status: 429, title: 'Provider rate limit', retryable: true },
  PROVIDER_KEY_MISSING: { status: 500, title: 'Provider key missing', retryable: false },
  PROVIDER_UNAUTHORIZED: { status: 502, title: 'Provider refused the key', retryable: false },
  PROVIDER_REFUSED: { status: 502, title: 'Provider refused the request', retryable: false },
  PROVIDER_FAILED: { status: 502, title: 'Provider failed', retryable: true },
  PROVIDER_UNREACHABLE: { status: 502, title: 'Provider unreachable', retryable: true },
  PROVIDER_REPLY_INVALID: { status: 502, title: 'Provider reply invalid', retryable: true },
  PROVIDER_REPLY_CUT_OFF: { status: 502, title: 'Provider reply cut off', retryable: true },
  PROVIDER_TIMEOUT: { status: 504, title: 'Provider timeout', retryable: true },
  KEY_NOT_FOUND: { status: 404, title: 'Key not found', retryable: false },
  ISSUER_UNAVAILABLE: { status: 503, title: 'Token issuer unavailable', retryable: true },
  CONTACT_REFUSED: { status: 403, title: 'Contact refused', retryable: false },
  HOP_LIMIT: { status: 409, title: 'Too many hops', retryable: false },
  BUDGET_EXHAUSTED: { status: 409, title: 'Message budget exhausted', retryable: false },
  PAIR_RATE_LIMITED: { status: 429, title: 'Too many messages to one agent', retryable: true },
  SESSION_RATE_LIMITED: { status: 429, title: 'Too many messages in the session', retryable: true },
  PROVIDER_REPLY_TOO_LARGE: { status: 502, title: 'Provider reply too large', retryable: false },
  NO_REPLY: { status: 502, title: 'No reply will come', retryable: false },
} as const satisfies Record<string, ErrorPolicy>;

export type ErrorCode = keyof typeof errorTable;

/** One place in what was sent, and what is wrong there. */
export interface ErrorDetail {
  /** JSON pointer; empty for the whole. */
  path: string;
  message: string;
}

export interface BusErrorOptions {
  details?: readonly ErrorDetail[];
  cause?: unknown;
  retryAfterMs?: number;
}

/** Every refusal of the bus. Match `code`; the text is for people. */
export class BusError extends Error {
  override readonly name = 'BusError';
  readonly code: ErrorCode;
  readonly details: readonly ErrorDetail[];
  /** When to try again, where whoever refused has said so: milliseconds from then. */
  readonly retryAfterMs?: number;

  constructor(code: ErrorCode, message: string, options: BusErrorOptions = {}) {
    // Where a refusal was made helps nobody, and to find out costs more than to refuse: only faults say it.
    const { stackTraceLimit } = Error;
    if (errorTable[code].status < 500) Error.stackTraceLimit = 0;
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    Error.stackTraceLimit = stackTraceLimit;
    this.code = code;
    this.details = options.details ?? [];
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
  }

  get status(): number {
    return errorTable[this.code].status;
  }

  get retryable(): boolean {
    return errorTable[this.code].retryable;
  }
}

/** The close code of an error that ends a socket; 1011 for one that was not meant to. */
export function closeCodeOf(code: ErrorCode): number {
  const policy: ErrorPolicy = errorTable[code];
  return policy.close ?? 1011;
}
