import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { unlessAborted } from '../../../src/core/abort/unless-aborted.ts';

const never = new Promise<never>(() => undefined);

describe('work that may be aborted', () => {
  it('has its own outcome until then, and nothing listens any more', async () => {
    const { signal } = new AbortController();
    expect(await unlessAborted(Promise.resolve(7), signal)).toBe(7);
    await expect(unlessAborted(Promise.reject(new Error('odd')), signal)).rejects.toThrow('odd');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('is not waited for once it is aborted, before or meanwhile', async () => {
    const abort = new AbortController();
    const waiting = unlessAborted(never, abort.signal);
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(1);
    const reason = new Error('enough');
    abort.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(unlessAborted(never, abort.signal)).rejects.toBe(reason);
    // What it comes to is nobody's any more.
    await expect(unlessAborted(Promise.reject(new Error('odd')), abort.signal)).rejects.toBe(reason);
  });
});
