// The options that every provider takes, checked before anything is built with them.
import { formatSetting, parseDuration } from '../protocol/durations.ts';
import { BusError } from '../protocol/errors.ts';
import { createReplyLimit, type ReplyLimit } from './reply-limit.ts';

export interface ProviderOptions {
  /** What `defaultModel.provider` names. */
  name?: string | undefined;
  /** Stays inside the provider: no error, log line or JSON of it has it. */
  apiKey?: string | undefined;
  /** Where the API is, its version included: `https://api.openai.com/v1`. */
  baseURL?: string | undefined;
  /** The only models that may be asked for; any where left out. */
  models?: readonly string[] | undefined;
  /** Longest silence of the provider, in milliseconds or as `30s`; `2m` where left out, at most `5m`. */
  timeout?: number | string | undefined;
  /** Longest text of one reply, in bytes of UTF-8; 4 MiB where left out, at most 64 MiB. */
  maxReplyBytes?: number | undefined;
}

/** Behind this fetch would give up by itself. */
const longestTimeoutMs = 300_000;
const defaultTimeoutMs = 120_000;
const defaultReplyBytes = 4 * 2 ** 20;
const mostReplyBytes = 64 * 2 ** 20;

/** @throws BusError CONFIG_INVALID */
export function timeoutOf(name: string, timeout: number | string = defaultTimeoutMs): number {
  const milliseconds = typeof timeout === 'number' ? timeout : readDuration(timeout);
  if (Number.isInteger(milliseconds) && milliseconds > 0 && milliseconds <= longestTimeoutMs) return milliseconds;
  throw invalid(name, 'timeout', `milliseconds or a text like 30s, at most ${formatSetting(longestTimeoutMs)}`);
}

/** @throws BusError CONFIG_INVALID */
export function replyLimitOf(name: string, maxReplyBytes = defaultReplyBytes): ReplyLimit {
  const isFit = Number.isInteger(maxReplyBytes) && maxReplyBytes > 0 && maxReplyBytes <= mostReplyBytes;
  if (!isFit) throw invalid(name, 'maxReplyBytes', `a whole number of bytes, from 1 to ${mostReplyBytes}`);
  return createReplyLimit(name, maxReplyBytes);
}

function readDuration(text: string): number {
  try {
    return parseDuration(text);
  } catch {
    return Number.NaN;
  }
}

/** @throws BusError CONFIG_INVALID */
export function baseUrlOf(name: string, baseURL: string | undefined): string {
  if (baseURL !== undefined && /^https?:\/\/[^\s/@?#]+(\/[^\s?#]*)?$/.test(baseURL) && URL.canParse(baseURL))
    return baseURL;
  throw invalid(name, 'baseURL', 'an http:// or https:// URL without user, password or query');
}

/** @throws BusError PROVIDER_KEY_MISSING for none, and for one that no header can carry. */
export function keyOf(name: string, apiKey: string | undefined): string {
  if (apiKey === undefined || apiKey === '') {
    throw new BusError('PROVIDER_KEY_MISSING', `The provider ${name} has no key; give it an \`apiKey\`.`);
  }
  if (/^[!-~]+$/.test(apiKey)) return apiKey;
  throw new BusError(
    'PROVIDER_KEY_MISSING',
    `The key of the provider ${name} is not usable: it must be printable ASCII without spaces or line ends.`,
  );
}

function invalid(name: string, option: string, expected: string): BusError {
  const message = `option ${option} of the provider ${name} must be ${expected}`;
  return new BusError('CONFIG_INVALID', `The ${message}.`, { details: [{ path: `/${option}`, message }] });
}
