import { expect, it } from 'vitest';
import { operator } from '../../src/bus/identity.ts';
import { RateLimit } from '../../src/bus/rate-limit.ts';
import { ManualClock } from '../support/manual-clock.ts';

const bus = operator;
const agent = { id: 'agent:codex://qa', workspaceId: 'default', agentId: 'codex://qa' };

it('a key may ask as often as the limit says, and again as time passes', () => {
  const clock = new ManualClock();
  const limit = new RateLimit(10, clock);
  for (let i = 0; i < 10; i++) limit.take(bus);
  expect(() => limit.take(bus)).toThrow(expect.objectContaining({ code: 'RATE_LIMITED', status: 429 }));
  clock.advance(100);
  limit.take(bus);
  expect(() => limit.take(bus)).toThrow();
  clock.advance(60_000);
  for (let i = 0; i < 10; i++) limit.take(bus);
  expect(() => limit.take(bus)).toThrow();
});

it('one key does not use up the limit of another', () => {
  const limit = new RateLimit(1, new ManualClock());
  limit.take(bus);
  limit.take(agent);
  expect(() => limit.take(agent)).toThrow();
});

it('a key that has not asked for a while is forgotten, and none that has used up its limit', () => {
  const clock = new ManualClock();
  const limit = new RateLimit(10, clock);
  for (let key = 0; key < 1_000; key++) limit.take({ ...agent, id: `agent:${key}` });
  expect(limit.size).toBe(1_000);
  clock.advance(59_990);
  for (let i = 0; i < 10; i++) limit.take(agent);
  clock.advance(20);
  expect(() => limit.take(agent)).toThrow();
  expect(limit.size).toBe(1);
});

it('0 is no limit', () => {
  const limit = new RateLimit(0, new ManualClock());
  for (let i = 0; i < 10_000; i++) limit.take(bus);
});
