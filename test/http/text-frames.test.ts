import { describe, expect, it } from 'vitest';
import { textFrames } from '../../src/http/text-frames.ts';

describe('text frames', () => {
  it.each([
    [0, '8100'],
    [125, '817d'],
    [126, '817e007e'],
    [65_535, '817effff'],
    [65_536, '817f0000000000010000'],
  ])('tell a length of %i as RFC 6455 has it', (length, head) => {
    const payload = Buffer.alloc(length, 'x');
    const frames = textFrames([payload]);
    expect(frames.toString('hex', 0, frames.length - length)).toBe(head);
    expect(frames.subarray(frames.length - length)).toEqual(payload);
  });

  it('stand one behind the other', () => {
    expect(textFrames([Buffer.from('ab'), Buffer.from('é')]).toString('hex')).toBe('81026162' + '8102c3a9');
  });
});
