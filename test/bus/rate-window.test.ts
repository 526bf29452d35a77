import { describe, expect, it } from 'vitest';
import { RateWindow } from '../../src/bus/rate-window.ts';

const minute = 60_000;

function add(window: RateWindow, key: string, times: number, now = 0): number {
  for (let time = 0; time < times; time++) window.of('group', key, now).value++;
  return window.of('group', key, now).value;
}

describe('the messages of a minute', () => {
  it('are counted for each key, from the first one on, and anew in the next minute', () => {
    const window = new RateWindow();
    expect(add(window, 'a', 5, 1_000)).toBe(5);
    expect(add(window, 'b', 3, 2_000)).toBe(3);
    expect(add(window, 'a', 1, 1_000 + minute - 1)).toBe(6);
    expect(window.untilNext(1_000 + minute - 1)).toBe(1);
    expect(add(window, 'a', 0, 1_000 + minute)).toBe(0);
  });

  it('are counted apart for the same name in two groups', () => {
    const window = new RateWindow();
    window.of('a', 'x', 0).value++;
    expect(window.of('b', 'x', 0).value).toBe(0);
    expect(window.of('a', 'x', 0).value).toBe(1);
    expect(window.size).toBe(2);
  });

  it('of a busy key are not forgotten for a crowd in other groups, and no group is kept of which nothing is left', () => {
    const window = new RateWindow(64);
    window.of('busy', 'x', 0).value += 99;
    for (let other = 0; other < 10_000; other++) window.of(`group ${other}`, 'x', 0).value++;
    expect(window.of('busy', 'x', 0).value).toBe(99);
    expect(window.size).toBeLessThanOrEqual(64);
  });

  it('begin anew where the clock was set back', () => {
    const window = new RateWindow();
    add(window, 'a', 5, 10 * minute);
    expect(add(window, 'a', 1, minute)).toBe(1);
  });

  it('of a busy key are not forgotten for a crowd of others', () => {
    const window = new RateWindow(64);
    add(window, 'busy', 99);
    for (let other = 0; other < 100_000; other++) add(window, `other ${other}`, 1);
    expect(add(window, 'busy', 0)).toBe(99);
  });

  it('are forgotten of half of the keys at least where there is no more room, so that not each new one has to look for some', () => {
    const window = new RateWindow(64);
    add(window, 'quiet', 1);
    for (let key = 1; key < 64; key++) add(window, `key ${key}`, 2);
    expect(window.size).toBe(64);
    add(window, 'new', 1);
    expect(window.size).toBeLessThanOrEqual(33);
  });

  it('are counted of no more keys than there is room for', () => {
    const window = new RateWindow(64);
    for (let key = 0; key < 10_000; key++) {
      add(window, `key ${key}`, 1 + (key % 7));
      expect(window.size).toBeLessThanOrEqual(64);
    }
    add(window, 'a', 1, minute);
    expect(window.size).toBe(1);
  });
});
