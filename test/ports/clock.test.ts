import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/ports/clock.ts';

const minute = 60_000;
const hour = 60 * minute;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** How often it was called by now. */
function scheduled(delayMs: number) {
  const run = vi.fn();
  return { cancel: systemClock.schedule(delayMs, run), calls: () => run.mock.calls.length };
}

describe('a call that the system clock has scheduled', () => {
  it.each([0, 250, 5 * minute, 40 * 24 * hour])('comes once, after %i ms and no sooner', (delayMs) => {
    const call = scheduled(delayMs);
    vi.advanceTimersByTime(Math.max(0, delayMs - 2));
    expect(call.calls()).toBe(delayMs === 0 ? 1 : 0);
    vi.advanceTimersByTime(2);
    expect(call.calls()).toBe(1);
    vi.advanceTimersByTime(2 * delayMs);
    expect(call.calls()).toBe(1);
  });

  it('comes within half a minute when it is overdue, after the machine has slept', () => {
    const call = scheduled(hour);
    vi.setSystemTime(Date.now() + 2 * hour);
    expect(call.calls()).toBe(0);
    vi.advanceTimersByTime(minute / 2);
    expect(call.calls()).toBe(1);
  });

  it('comes when it would have come, where the clock was set back', () => {
    const call = scheduled(hour);
    vi.setSystemTime(Date.now() - 24 * hour);
    vi.advanceTimersByTime(hour);
    expect(call.calls()).toBe(1);
  });

  it.each([0, 1, 61_000])('does not come once it was cancelled, %i ms later', (passedMs) => {
    const call = scheduled(5 * minute);
    vi.advanceTimersByTime(passedMs);
    call.cancel();
    vi.advanceTimersByTime(hour);
    expect(call.calls()).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});
