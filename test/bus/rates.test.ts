import { describe, expect, it } from 'vitest';
import { countIn, createRates } from '../../src/bus/rates.ts';

const sender = { agent_id: 'a://x', session_id: 's1' };

describe('the rates of two workspaces', () => {
  it.each([
    ['pairs', { maxPairRate: 1, maxSessionRate: 0 }, 'PAIR_RATE_LIMITED'],
    ['sessions', { maxPairRate: 0, maxSessionRate: 1 }, 'SESSION_RATE_LIMITED'],
  ])('are counted apart for %s of the same names', (_what, limits, code) => {
    const admitIn = createRates(limits);
    for (const workspace of ['default', 'team-a', 'team-b']) {
      const admit = admitIn(workspace);
      countIn(admit(sender, ['a://y'], 0));
      expect(() => admit(sender, ['a://y'], 0)).toThrow(expect.objectContaining({ code }));
    }
  });
});
