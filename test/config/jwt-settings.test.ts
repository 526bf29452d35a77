import { describe, expect, it } from 'vitest';
import { resolveOptions } from '../../src/config/config.ts';
import { jwtTrustOf } from '../../src/config/jwt-settings.ts';
import { BusError } from '../../src/protocol/errors.ts';
import type { Config } from '../../src/protocol/types.gen.ts';

const jwtSecret = 'a-secret-of-32-characters-or-more';
const names = { jwtIssuer: 'https://issuer.test/', jwtAudience: 'agent-bus' };

/** The keys that are at fault. */
function faultsOf(options: Config): string[] {
  try {
    resolveOptions(options);
  } catch (error) {
    if (error instanceof BusError) return error.details.map(({ path }) => path.slice(1));
  }
  return [];
}

describe('the settings of tokens', () => {
  it('are a secret or a set of keys, an issuer and an audience', () => {
    expect(jwtTrustOf(resolveOptions({ jwtSecret, ...names }))).toEqual({
      keys: { secret: jwtSecret },
      issuer: names.jwtIssuer,
      audience: names.jwtAudience,
    });
    const jwksUrl = 'https://issuer.test/keys';
    expect(jwtTrustOf(resolveOptions({ jwksUrl, ...names }))?.keys).toEqual({ jwksUrl: new URL(jwksUrl) });
    expect(jwtTrustOf(resolveOptions({}))).toBeUndefined();
  });

  it.each<[Config, string[]]>([
    [{ jwtSecret, jwksUrl: 'https://issuer.test/keys', ...names }, ['jwtSecret']],
    [names, ['jwtSecret']],
    [{ jwtSecret, jwtIssuer: 'a' }, ['jwtAudience']],
    [{ jwtSecret, jwtAudience: 'a' }, ['jwtIssuer']],
    [{ jwtSecret: 'x'.repeat(31), ...names }, ['jwtSecret', 'jwtSecret']],
    [{ jwksUrl: 'http://issuer.test/keys', ...names }, ['jwksUrl']],
    [{ jwksUrl: 'file:///etc/keys', ...names }, ['jwksUrl']],
    [{ jwksUrl: 'issuer.test', ...names }, ['jwksUrl']],
  ])('are refused where they do not belong together: %j', (options, faults) => {
    expect(faultsOf(options)).toEqual(faults);
  });

  it.each(['http://127.0.0.1:9000/keys', 'http://localhost/keys', 'http://[::1]/keys'])(
    'take keys of %s',
    (jwksUrl) => {
      expect(faultsOf({ jwksUrl, ...names })).toEqual([]);
    },
  );

  it('are never shown where they are wrong', () => {
    const jwt = `secret with spaces ${'x'.repeat(30)}`;
    expect(() => resolveOptions({ jwtSecret: jwt, ...names })).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining(jwt) }),
    );
  });
});
