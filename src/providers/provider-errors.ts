// What went wrong between the SDK and a provider, as errors of the bus that never show a key or a conversation.
import { APICallError, InvalidResponseDataError } from 'ai';
import { BusError, type BusErrorOptions, type ErrorCode } from '../protocol/errors.ts';
import { withoutKeys } from './key-mask.ts';
import { retryAfterOf } from './retry-after.ts';

/** Errors of undici, the fetch of Node, by what they mean here. */
const cutOff = new Set(['UND_ERR_SOCKET', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'ECONNRESET', 'EPIPE']);
const tookTooLong = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT']);

/** How providers say inside of an answer what 429 says in front of it, as its type or code. */
const tooOften = new Set<unknown>(['rate_limit_error', 'rate_limit_exceeded', 'insufficient_quota', 429, '429']);

const longestQuote = 300;

/** Turns errors of one provider into errors of the bus. The SDK's own are no causes: they hold the whole conversation. */
export function createErrorTranslator(provider: string, apiKey: string | undefined) {
  const fail = (code: ErrorCode, text: string, options?: BusErrorOptions) =>
    new BusError(code, `The provider ${provider} ${text}`, options);

  /** What the provider says, bounded and without keys. */
  function quote(words: unknown): string {
    const text = typeof words === 'string' ? words.trim() : '';
    const safe = withoutKeys(text, apiKey);
    if (safe === '') return '.';
    return `: ${safe.length > longestQuote ? `${safe.slice(0, longestQuote)}...` : safe}`;
  }

  function ofStatus(status: number, { message, responseHeaders, responseBody }: APICallError): BusError {
    const retryAfterMs = retryAfterOf(responseHeaders ?? {}, Date.now());
    const later = retryAfterMs === undefined ? {} : { retryAfterMs };
    // Its words are left out: some repeat parts of the key.
    if (status === 401) return fail('PROVIDER_UNAUTHORIZED', 'refused the key (401); check it.');
    const said = `(${status})${quote(message)}`;
    if (status === 403) return fail('PROVIDER_UNAUTHORIZED', `does not allow this with the key ${said}`);
    if (status === 429) return fail('PROVIDER_RATE_LIMITED', `was asked too often ${said}`, later);
    // The SDK has made a status of what was the first word of a stream.
    if (isAboutRate(jsonOf(responseBody)))
      return fail('PROVIDER_RATE_LIMITED', `was asked too often${quote(message)}`, later);
    if (status >= 500 || status === 408) return fail('PROVIDER_FAILED', `failed ${said}`, later);
    return fail('PROVIDER_REFUSED', `refused the request ${said}`);
  }

  function ofNetwork(code: string, hasAnswered: boolean): BusError {
    if (tookTooLong.has(code)) return fail('PROVIDER_TIMEOUT', `was silent for too long (${code}); ask again.`);
    if (hasAnswered) return fail('PROVIDER_REPLY_CUT_OFF', `broke its answer off (${code}); ask again.`);
    return fail('PROVIDER_UNREACHABLE', `cannot be reached (${code}); check its base URL.`);
  }

  return function toBusError(error: unknown, hasAnswered = false): BusError {
    const refusal = refusalIn(error);
    if (refusal) return refusal;
    const network = networkCodeOf(error);
    if (APICallError.isInstance(error)) {
      const { statusCode } = error;
      if (statusCode === undefined) return ofNetwork(network ?? 'no connection', false);
      if (statusCode < 200 || statusCode > 299) return ofStatus(statusCode, error);
      if (network) return ofNetwork(network, true);
    } else if (network) {
      return ofNetwork(network, hasAnswered);
    } else if (InvalidResponseDataError.isInstance(error) && error.data === undefined) {
      // How the SDK says of some servers that a stream ended without a reason.
      return ofNetwork('no finish reason', true);
    } else if (!(error instanceof Error)) {
      const words = quote(wordsOf(error));
      if (isAboutRate(error)) return fail('PROVIDER_RATE_LIMITED', `was asked too often${words}`);
      return fail('PROVIDER_FAILED', `failed in the middle of its answer${words}`);
    }
    return fail('PROVIDER_REPLY_INVALID', 'gave an answer that cannot be read; ask again, or check its base URL.');
  };
}

/** An error of the bus, also deep inside: that of the reply's limit comes out of the SDK's parser. */
function refusalIn(error: unknown): BusError | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (cause instanceof BusError) return cause;
  return undefined;
}

/** The code of a broken connection, also deep inside; `terminated` for one without. */
function networkCodeOf(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (typeof code === 'string' && (cutOff.has(code) || tookTooLong.has(code) || /^(UND_ERR_|E[A-Z]+$)/.test(code))) {
      return code;
    }
    if (cause instanceof TypeError && cause.message === 'terminated' && !cause.cause) return 'terminated';
  }
  return undefined;
}

/** Whether what a provider has written is about how often it is asked. */
function isAboutRate(said: unknown): boolean {
  if (typeof said !== 'object' || said === null) return false;
  const { type, code } = said as { type?: unknown; code?: unknown };
  return tooOften.has(type) || tooOften.has(code);
}

function jsonOf(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return undefined;
  }
}

/** An error inside of a stream is what the provider wrote: a text, or an object with a message. */
function wordsOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
}
