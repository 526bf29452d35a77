import { describe, expect, it } from 'vitest';
import { jsonSize } from '../../../src/core/json/size.ts';
import { onOnePage } from '../../../src/core/paging/page-budget.ts';

const mebibyte = 1_048_576;
const page = (...sizes: number[]) => onOnePage(sizes, (size) => size);

describe('a page of a list', () => {
  it('ends before what would make it larger than 4 MiB', () => {
    expect(page(mebibyte, 2 * mebibyte, mebibyte, 1, 1)).toEqual([mebibyte, 2 * mebibyte, mebibyte]);
    expect(page(1, 4 * mebibyte, 1)).toEqual([1]);
  });

  it('has one item at least, however large, and all where they are small', () => {
    expect(page(9 * mebibyte, 1)).toEqual([9 * mebibyte]);
    expect(page(...Array<number>(1_000).fill(0))).toHaveLength(1_000);
    expect(page()).toEqual([]);
  });
});

describe('the size of a JSON value', () => {
  it.each([null, true, 12, 'word', [], {}, [1, ['two'], null], { a: { b: ['c', 'x'.repeat(10_000)] } }])(
    'is about that of its text: %j',
    (value) => expect(Math.abs(jsonSize(value) - JSON.stringify(value).length)).toBeLessThan(10),
  );
});
