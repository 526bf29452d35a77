// A round that is not exact must fail; figures must be those of the rounds.
import { expect, test } from 'vitest';
import { Ledger } from './ledger.mjs';
import { selfTimes } from './profile.mjs';
import { spread } from './statistics.mjs';

/** A ledger with this many messages sent, accepted, delivered and acked. @param {number} count */
function settled(count) {
  const ledger = new Ledger(10, true);
  for (let index = 0; index < count; index++) {
    const counter = ledger.send(0);
    ledger.accept(counter);
    ledger.deliver(counter, 5);
    ledger.acked++;
  }
  return ledger;
}

test('a message counts when it was accepted and delivered, in either order', () => {
  const ledger = settled(2);
  const third = ledger.send(0);
  ledger.deliver(third, 1);
  expect(ledger.settled).toBe(2);
  ledger.accept(third);
  expect(ledger.settled).toBe(3);
});

test('a message that is lost, not accepted or not acked fails the round', () => {
  expect(() => settled(3).assertExact(true)).not.toThrow();
  const lost = settled(3);
  lost.accept(lost.send(0));
  expect(() => lost.assertExact(true)).toThrow(/"sent":4,"settled":3/);
  const refused = settled(3);
  refused.deliver(refused.send(0), 1);
  refused.acked++;
  expect(() => refused.assertExact(true)).toThrow(/"accepted":3/);
  const unacked = settled(3);
  unacked.acked--;
  expect(() => unacked.assertExact(true)).toThrow(/"acked":2/);
});

test('a message that arrives twice, or that nobody sent, fails the round', () => {
  const ledger = settled(1);
  expect(() => ledger.deliver(0, 6)).toThrow('message 0 was delivered twice');
  expect(() => ledger.accept(0)).toThrow('message 0 was accepted twice');
  expect(() => ledger.deliver(1, 6)).toThrow('message 1 was never sent');
  expect(() => ledger.deliver(Number.NaN, 6)).toThrow('never sent');
});

test('latencies are those of the sampled window', () => {
  const ledger = new Ledger(300, false);
  ledger.deliver(ledger.send(0), 1000);
  ledger.sample(true);
  for (let delay = 1; delay <= 100; delay++) ledger.deliver(ledger.send(0), delay);
  ledger.sample(false);
  ledger.deliver(ledger.send(0), 1000);
  expect(ledger.latency()).toEqual({ p50: 51, p99: 100 });
});

test('a spread is the median, the middle half and the ends', () => {
  expect(spread([5, 1, 4, 2, 3])).toEqual({ median: 3, min: 1, q1: 2, q3: 4, max: 5 });
  expect(spread([1, 2]).median).toBe(1.5);
});

test('self times add up by function over all places it was called from, idle time left out', () => {
  const frame = (/** @type {string} */ functionName) => ({ functionName, url: 'file:///a/b.js', lineNumber: 6 });
  const idle = { functionName: '(idle)', url: '', lineNumber: -1 };
  const nodes = [
    { id: 1, callFrame: frame('parse') },
    { id: 2, callFrame: idle },
    { id: 3, callFrame: frame('parse') },
    { id: 4, callFrame: frame('') },
  ];
  const top = selfTimes({ nodes, samples: [1, 2, 3, 4, 2], timeDeltas: [9, 2000, 50_000, 4000, 2000] });
  expect(top).toEqual([
    { name: 'parse  /a/b.js:7', ms: 6, share: 0.75 },
    { name: '(anonymous)  /a/b.js:7', ms: 2, share: 0.25 },
  ]);
});
