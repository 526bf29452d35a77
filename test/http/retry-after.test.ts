import { expect, it } from 'vitest';
import { headersOfProblem } from '../../src/http/problem.ts';
import { BusError, type ErrorCode } from '../../src/protocol/errors.ts';

it.each([
  ['PROVIDER_RATE_LIMITED', 7_000, '7'],
  ['PROVIDER_RATE_LIMITED', 1_500, '2'],
  ['PROVIDER_RATE_LIMITED', undefined, '1'],
  ['PROVIDER_FAILED', 2_000, '2'],
  ['PROVIDER_FAILED', undefined, undefined],
] as [ErrorCode, number | undefined, string | undefined][])(
  '%s that is over in %s ms has Retry-After %s',
  (code, retryAfterMs, expected) => {
    const error = new BusError(code, 'Wait.', retryAfterMs === undefined ? {} : { retryAfterMs });
    expect(headersOfProblem(error)['retry-after']).toBe(expected);
  },
);
