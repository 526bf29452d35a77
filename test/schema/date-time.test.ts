import { Ajv } from 'ajv';
import ajvFormats from 'ajv-formats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDateTime } from '../../src/schema/date-time.ts';

const ajv = new Ajv();
ajvFormats.default(ajv, ['date-time']);
const byTheBook = ajv.compile({ type: 'string', format: 'date-time' });

/** Two digits, often just beside what is allowed. */
const pair = fc.integer({ min: 0, max: 62 }).map((value) => String(value).padStart(2, '0'));
const nearlyDateTimes = fc
  .tuple(
    fc.constantFrom('2024', '2025', '0000', '202'),
    fc.tuple(pair, pair, pair, pair, pair),
    fc.constantFrom('T', 't', ' ', ''),
    fc.constantFrom('', '.', '.5', '.123456789', ',5'),
    fc.constantFrom('Z', 'z', '', '+01:00', '-23:59', '+24:00', 'Z\n', 'ZZ'),
  )
  .map(([year, [month, day, hour, minute, second], between, fraction, zone]) => {
    return `${year}-${month}-${day}${between}${hour}:${minute}:${second}${fraction}${zone}`;
  });

describe('a date with a time', () => {
  it('is on a day that its month has', () => {
    const days = Array.from({ length: 13 }, (_, month) => Array.from({ length: 33 }, (__, day) => [month, day])).flat();
    for (const year of ['2024', '2025']) {
      for (const [month, day] of days) {
        const text = `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}T11:00:00Z`;
        expect([text, isDateTime(text)]).toEqual([text, byTheBook(text)]);
      }
    }
  });

  it('is what the full check takes, and nothing else', () => {
    fc.assert(
      fc.property(nearlyDateTimes, (text) => isDateTime(text) === byTheBook(text)),
      { numRuns: 20_000 },
    );
  });

  it.each([
    '2025-02-02T11:00:00Z',
    '2025-02-28T23:59:59.999Z',
    '2024-02-29T00:00:00Z',
    '2025-12-31T23:59:60Z',
    '2025-02-02t11:00:00+01:00',
  ])('may be %s', (text) => {
    expect(isDateTime(text)).toBe(true);
  });

  it.each([
    '2025-02-29T00:00:00Z',
    '2025-13-01T00:00:00Z',
    '2025-00-10T00:00:00Z',
    '2025-01-00T00:00:00Z',
    '2025-04-31T00:00:00Z',
    '2025-01-01T24:00:00Z',
    '2025-01-01T00:60:00Z',
    '2025-01-01T00:00:00',
    '2025-01-01T00:00:00Z\n',
    '2025-01-01',
  ])('is not %j', (text) => {
    expect(isDateTime(text)).toBe(false);
  });
});
