import { describe, expect, it } from 'vitest';
import { boundedCopy, copyJson } from '../../../src/core/json/copy.ts';
import { equalJson } from '../../../src/core/json/equal.ts';
import { mergePatch } from '../../../src/core/json/merge-patch.ts';

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}

describe('a copy', () => {
  it('shares nothing with the original', () => {
    const original = { a: [{ b: 1 }], c: null };
    const copy = copyJson(original);
    expect(copy).toEqual(original);
    expect(copy.a).not.toBe(original.a);
    expect(copy.a[0]).not.toBe(original.a[0]);
  });

  it('keeps a key __proto__ a key', () => {
    const copy = copyJson(JSON.parse('{"__proto__":{"admin":true}}'));
    expect(copy.admin).toBeUndefined();
    expect(JSON.stringify(copy)).toBe('{"__proto__":{"admin":true}}');
  });

  it('of what came from outside is refused beyond 100 levels', () => {
    expect(boundedCopy(nested(100))).toEqual(nested(100));
    expect(() => boundedCopy(nested(101))).toThrow(expect.objectContaining({ code: 'VALIDATION_FAILED' }));
    const deep = JSON.parse(`${'['.repeat(200_000)}${']'.repeat(200_000)}`);
    expect(() => boundedCopy(deep)).toThrow(expect.objectContaining({ code: 'VALIDATION_FAILED' }));
  });
});

describe('a merge patch', () => {
  // The test cases of RFC 7396, appendix A, whose target and patch are objects.
  it.each([
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', '{}'],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ])('of %s with %s gives %s', (target, patch, result) => {
    expect(mergePatch(JSON.parse(target), JSON.parse(patch))).toEqual(JSON.parse(result));
  });

  it('changes neither the target nor the patch', () => {
    const target = { a: { b: 1 } };
    const patch = { a: { c: 2 } };
    mergePatch(target, patch);
    expect([target, patch]).toEqual([{ a: { b: 1 } }, { a: { c: 2 } }]);
  });

  it('cannot reach a prototype', () => {
    const merged = mergePatch({}, JSON.parse('{"__proto__":{"admin":true}}'));
    expect(merged.admin).toBeUndefined();
    expect(Object.hasOwn(merged, '__proto__')).toBe(true);
  });
});

describe('equality', () => {
  it.each([
    [1, 1],
    [null, null],
    [
      [1, { a: 2 }],
      [1, { a: 2 }],
    ],
    [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ],
  ])('holds between %j and %j', (a, b) => {
    expect(equalJson(a, b)).toBe(true);
  });

  it.each([
    [1, '1'],
    [null, {}],
    [[1, 2], [1]],
    [[], {}],
    [{ a: 1 }, { b: 1 }],
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ a: [1] }, { a: [2] }],
  ])('does not hold between %j and %j', (a, b) => {
    expect(equalJson(a, b)).toBe(false);
    expect(equalJson(b, a)).toBe(false);
  });
});
