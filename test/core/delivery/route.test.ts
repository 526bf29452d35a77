import { describe, expect, it } from 'vitest';
import { type Candidate, nextFallback, routeToAgent } from '../../../src/core/delivery/route.ts';

const graceMs = 10_000;
const backend = 'opencode://backend';
const [spare, second, third] = ['codex://spare', 'codex://second', 'codex://third'];

const online = (agentId: string): Candidate => ({ agentId, known: true, online: true, offlineForMs: 0 });
const offline = (agentId: string, offlineForMs = graceMs + 1): Candidate => ({
  agentId,
  known: true,
  online: false,
  offlineForMs,
});
const unknown = (agentId: string): Candidate => ({ ...offline(agentId, Number.POSITIVE_INFINITY), known: false });

describe('a message to an agent', () => {
  it.each([
    ['is online', online(backend), [online(spare)]],
    ['has been offline for no longer than the grace', offline(backend, graceMs), [online(spare)]],
    ['is offline, as all its fallbacks are', offline(backend), [offline(spare)]],
    ['has no fallback', offline(backend), []],
  ])('goes to it where it %s', (_why, addressed, fallbacks) => {
    expect(routeToAgent(addressed, fallbacks, graceMs)).toEqual({
      agentId: backend,
      fallbacks: fallbacks.map(({ agentId }) => agentId),
    });
  });

  it('goes to the first fallback that is online where it has been offline for longer than the grace', () => {
    const fallbacks = [offline(spare), online(second), online(third)];
    expect(routeToAgent(offline(backend), fallbacks, graceMs)).toEqual({
      agentId: second,
      routedBy: `fallback: ${backend} has been offline for more than ${graceMs} ms`,
      isFallback: true,
      fallbacks: [spare, third],
    });
  });

  it('goes to a fallback where nobody knows it: to one that is online, else to the first', () => {
    const why = `fallback: ${backend} is not known`;
    expect(routeToAgent(unknown(backend), [offline(spare), online(second)], graceMs)).toMatchObject({
      agentId: second,
      routedBy: why,
      fallbacks: [spare],
    });
    expect(routeToAgent(unknown(backend), [offline(spare), offline(second)], graceMs)).toMatchObject({
      agentId: spare,
      routedBy: why,
      fallbacks: [second],
    });
  });

  it('goes to no fallback that nobody knows, and to nobody where all are unknown', () => {
    expect(routeToAgent(online(backend), [unknown(spare), offline(second)], graceMs)?.fallbacks).toEqual([second]);
    expect(routeToAgent(unknown(backend), [unknown(spare), offline(second)], graceMs)).toMatchObject({
      agentId: second,
      fallbacks: [],
    });
    expect(routeToAgent(unknown(backend), [unknown(spare)], graceMs)).toBeUndefined();
  });
});

describe('a message that failed where it was', () => {
  it.each([
    ['one that is online', [offline(spare), online(second), online(third)], second, [spare, third]],
    ['the first that is known', [unknown(spare), offline(second), offline(third)], second, [third]],
    ['the last that is left', [online(third)], third, []],
  ])('goes on to %s of its fallbacks, and says why', (_which, fallbacks, agentId, rest) => {
    expect(nextFallback(fallbacks, 'retries used up: nacked')).toEqual({
      agentId,
      routedBy: 'fallback: retries used up: nacked',
      isFallback: true,
      fallbacks: rest,
    });
  });

  it('goes on to nobody where nobody of them is known', () => {
    expect(nextFallback([], 'expired')).toBeUndefined();
    expect(nextFallback([unknown(spare)], 'expired')).toBeUndefined();
  });
});
