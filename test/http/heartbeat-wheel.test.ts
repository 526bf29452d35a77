import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HeartbeatWheel } from '../../src/http/heartbeat-wheel.ts';

describe('the heartbeat of many sockets', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('looks at each once an interval, and at no more than its share in one turn', () => {
    const wheel = new HeartbeatWheel(30_000);
    const ticks = new Array<number>(10_000).fill(0);
    let inThisTurn = 0;
    for (const index of ticks.keys()) {
      const tick = () => {
        ticks[index] = (ticks[index] ?? 0) + 1;
        inThisTurn++;
      };
      wheel.add({ tick });
    }
    let most = 0;
    for (let ms = 0; ms < 30_000; ms += 10) {
      inThisTurn = 0;
      vi.advanceTimersByTime(10);
      most = Math.max(most, inThisTurn);
    }
    expect(ticks.every((count) => count === 1)).toBe(true);
    expect(most).toBe(100);
    vi.advanceTimersByTime(30_000);
    expect(ticks.every((count) => count === 2)).toBe(true);
    wheel.stop();
  });

  it('forgets one that has gone, also when it goes at its tick, and everything when it stops', () => {
    const wheel = new HeartbeatWheel(100);
    const seen: string[] = [];
    const leave = wheel.add({
      tick: () => {
        seen.push('first');
        leave();
      },
    });
    wheel.add({ tick: () => seen.push('second') });
    vi.advanceTimersByTime(300);
    expect(seen).toEqual(['first', 'second', 'second', 'second']);
    wheel.stop();
    vi.advanceTimersByTime(300);
    expect(seen).toHaveLength(4);
  });
});
