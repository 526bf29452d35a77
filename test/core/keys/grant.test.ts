import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allows, covers, type Grant, narrow, scopesWithin } from '../../../src/core/keys/grant.ts';
import type { Scope } from '../../../src/protocol/types.gen.ts';

const scopes: Scope[] = ['send', 'receive', 'sessions', 'admin'];
const optional = <T>(values: T[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
const defined = <T extends object>(value: T) =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined));

const grants: fc.Arbitrary<Grant> = fc
  .record({
    workspaceId: optional(['a', 'b']),
    userId: optional(['u', 'v']),
    agentId: optional(['x://y', 'x://z']),
    scopes: fc.option(fc.subarray(scopes), { nil: undefined }),
    expiresAt: optional([10, 20]),
  })
  .map(defined);
const requests = fc
  .tuple(grants, fc.subarray(scopes))
  .map(([grant, asked]): Grant & { scopes: Scope[] } => ({ ...grant, scopes: asked }));

describe('what is handed on', () => {
  it('never reaches further than what its giver has, however it is asked for', () => {
    fc.assert(
      fc.property(grants, requests, (giver, asked) => {
        let granted: Grant;
        try {
          granted = narrow(giver, asked);
        } catch (error) {
          expect(error).toMatchObject({ code: 'FORBIDDEN' });
          return;
        }
        for (const limit of ['workspaceId', 'userId', 'agentId'] as const) {
          if (giver[limit] !== undefined) expect(granted[limit]).toBe(giver[limit]);
          if (asked[limit] !== undefined) expect(granted[limit]).toBe(asked[limit]);
        }
        for (const scope of scopes) if (allows(granted, scope)) expect(allows(giver, scope)).toBe(true);
        if (giver.expiresAt !== undefined) expect(granted.expiresAt).toBeLessThanOrEqual(giver.expiresAt);
      }),
    );
  });

  it('may be anything where the giver has no limits', () => {
    fc.assert(
      fc.property(requests, (asked) => {
        expect(narrow({}, asked)).toEqual(asked);
      }),
    );
  });

  it.each<[string, Grant, Grant]>([
    ['another workspace', { workspaceId: 'a' }, { workspaceId: 'b' }],
    ['another user', { userId: 'u' }, { userId: 'v' }],
    ['another agent', { agentId: 'x://y' }, { agentId: 'x://z' }],
    ['a scope that the giver has not', { scopes: ['admin'] }, { scopes: ['send'] }],
    ['a longer life', { expiresAt: 10 }, { expiresAt: 11 }],
  ])('is not %s', (_what, giver, asked) => {
    expect(() => narrow(giver, { scopes: [], ...asked })).toThrow(expect.objectContaining({ code: 'FORBIDDEN' }));
  });
});

describe('a grant', () => {
  it('covers what has at least its limits', () => {
    expect(covers({}, { workspaceId: 'a', userId: 'u' })).toBe(true);
    expect(covers({ workspaceId: 'a' }, { workspaceId: 'a', userId: 'u' })).toBe(true);
    expect(covers({ workspaceId: 'a', userId: 'u' }, { workspaceId: 'a' })).toBe(false);
    expect(covers({ workspaceId: 'a' }, { workspaceId: 'b' })).toBe(false);
  });

  it('hands on those scopes that it has', () => {
    expect(scopesWithin({}, ['send', 'receive'])).toEqual(['send', 'receive']);
    expect(scopesWithin({ scopes: ['receive', 'admin'] }, ['send', 'receive'])).toEqual(['receive']);
  });
});
