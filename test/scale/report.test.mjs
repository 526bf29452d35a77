// What the verdict of the scale tests rests on: limits, and memory as the system counts it.
import { expect, test, vi } from 'vitest';
import { memoryOf } from './memory.mjs';
import { Report } from './report.mjs';

test('a limit is broken by a figure beyond it, and by one that could not be taken', () => {
  const print = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  const report = new Report(() => 1);
  report.figure('at the limit', 40, 'KB', { atMost: 40 });
  report.figure('fast enough', 5_000, '/s', { atLeast: 5_000 });
  report.figure('without a limit', Number.NaN, 'ms');
  expect(report.broken).toBe(0);
  report.figure('too much', 40.1, 'KB', { atMost: 40 });
  report.figure('too slow', 4_999, '/s', { atLeast: 5_000 });
  report.figure('unknown', Number.NaN, 'KB', { atMost: 40 });
  expect(report.broken).toBe(3);
  expect(print.mock.calls.filter(([line]) => String(line).includes('BROKEN'))).toHaveLength(3);
  print.mockRestore();
});

test('a limit in time is as much wider as the machine is slower, and no other one is', () => {
  const print = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  const report = new Report(() => 2);
  report.figure('late', 199, 'ms', { atMost: 100 });
  report.figure('slow', 501, '/s', { atLeast: 1_000 });
  expect(report.broken).toBe(0);
  report.figure('too late', 201, 'ms', { atMost: 100 });
  report.figure('too slow', 499, '/s', { atLeast: 1_000 });
  report.figure('too much', 41, 'KB', { atMost: 40 });
  expect(report.broken).toBe(3);
  expect(print.mock.calls.filter(([line]) => String(line).includes('2 times slower'))).toHaveLength(4);
  print.mockRestore();
});

test.runIf(process.platform === 'linux')('memory that a process fills is its own memory', () => {
  const before = memoryOf(process.pid);
  const filled = Buffer.alloc(64 * 2 ** 20, 1);
  const grown = memoryOf(process.pid).anonymous - before.anonymous;
  expect(filled.length).toBeGreaterThan(0);
  expect(grown).toBeGreaterThan(48 * 2 ** 20);
  expect(grown).toBeLessThan(96 * 2 ** 20);
});
