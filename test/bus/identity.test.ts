import { describe, expect, it } from 'vitest';
import { createAuthenticator } from '../../src/bus/identity.ts';
import { BusError } from '../../src/protocol/errors.ts';

const qa = { id: 'qa', workspaceId: 'default', agentId: 'claude-code://qa' };
const team = { id: 'team', workspaceId: 'team-a' };
const authenticate = createAuthenticator({
  apiKey: 'the-bus-key',
  authenticators: [
    (token) => (token === 'token-of-qa' ? qa : undefined),
    (key) => (key === 'key-of-team' ? team : undefined),
  ],
});

describe('an authenticator', () => {
  it('knows the bus key', () => {
    expect(authenticate('the-bus-key')).toEqual({ id: 'bus' });
  });

  it('knows whom one of the others knows', () => {
    expect(authenticate('token-of-qa')).toEqual(qa);
    expect(authenticate('key-of-team')).toEqual(team);
  });

  it.each([undefined, '', 'the-bus-ke', 'the-bus-key ', 'the-bus-key\0', 'THE-BUS-KEY', 'x'.repeat(10_000)])(
    'refuses %j as UNAUTHORIZED',
    (credential) => {
      expect(() => authenticate(credential)).toThrow(expect.objectContaining({ code: 'UNAUTHORIZED' }));
    },
  );

  it('never repeats the credential in its refusal', () => {
    try {
      void authenticate('a-secret-typo');
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(BusError);
      expect((error as BusError).message).not.toContain('a-secret-typo');
    }
  });

  it('asks no other when the key is the bus key', () => {
    let asked = 0;
    const counting = createAuthenticator({
      apiKey: 'k',
      authenticators: [
        () => {
          asked++;
          return undefined;
        },
      ],
    });
    void counting('k');
    expect(asked).toBe(0);
  });
});
