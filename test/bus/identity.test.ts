import { describe, expect, it } from 'vitest';
import { createAuthenticator } from '../../src/bus/identity.ts';
import { BusError } from '../../src/protocol/errors.ts';

const tokens = new Map([['token-of-qa', 'claude-code://qa']]);
const authenticate = createAuthenticator({ apiKey: 'the-bus-key', agentOfToken: (token) => tokens.get(token) });

describe('an authenticator', () => {
  it('knows the bus key', () => {
    expect(authenticate('the-bus-key')).toEqual({ kind: 'bus' });
  });

  it("knows an agent by the agent's own token", () => {
    expect(authenticate('token-of-qa')).toEqual({ kind: 'agent', agentId: 'claude-code://qa' });
  });

  it.each([undefined, '', 'the-bus-ke', 'the-bus-key ', 'THE-BUS-KEY', 'x'.repeat(10_000)])(
    'refuses %j as UNAUTHORIZED',
    (credential) => {
      expect(() => authenticate(credential)).toThrow(expect.objectContaining({ code: 'UNAUTHORIZED' }));
    },
  );

  it('never repeats the credential in its refusal', () => {
    try {
      authenticate('a-secret-typo');
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(BusError);
      expect((error as BusError).message).not.toContain('a-secret-typo');
    }
  });

  it('does not ask for the owner of a token when the key is the bus key', () => {
    let asked = 0;
    const counting = createAuthenticator({
      apiKey: 'k',
      agentOfToken() {
        asked++;
        return undefined;
      },
    });
    counting('k');
    expect(asked).toBe(0);
  });
});
