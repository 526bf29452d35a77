import { describe, expect, it } from 'vitest';
import { liveSecrets, replaceSecret, type Secret } from '../../../src/core/keys/secrets.ts';

const now = 1_000;
const hashes = (secrets: Secret[]) => secrets.map(({ hash, endsAt }) => [hash, endsAt]);

describe('a secret that is replaced', () => {
  it('goes on for the overlap', () => {
    const secrets = replaceSecret([{ hash: 'a' }], { hash: 'b' }, { overlapMs: 50, now });
    expect(hashes(secrets)).toEqual([
      ['b', undefined],
      ['a', 1_050],
    ]);
    expect(liveSecrets(secrets, 1_049).map(({ hash }) => hash)).toEqual(['b', 'a']);
    expect(liveSecrets(secrets, 1_050).map(({ hash }) => hash)).toEqual(['b']);
  });

  it('is gone at once without an overlap', () => {
    expect(hashes(replaceSecret([{ hash: 'a' }], { hash: 'b' }, { overlapMs: 0, now }))).toEqual([['b', undefined]]);
  });

  it('never gets more time by another rotation, and may get less', () => {
    const before = [{ hash: 'b' }, { hash: 'a', endsAt: 1_010 }];
    expect(hashes(replaceSecret(before, { hash: 'c' }, { overlapMs: 50, now }))).toEqual([
      ['c', undefined],
      ['b', 1_050],
      ['a', 1_010],
    ]);
    expect(hashes(replaceSecret(before, { hash: 'c' }, { overlapMs: 5, now }))).toEqual([
      ['c', undefined],
      ['b', 1_005],
      ['a', 1_005],
    ]);
  });

  it('is one of eight at most: the oldest end first', () => {
    let secrets: Secret[] = [];
    for (let n = 0; n < 20; n++) secrets = replaceSecret(secrets, { hash: String(n) }, { overlapMs: 50, now });
    expect(secrets.map(({ hash }) => hash)).toEqual(['19', '18', '17', '16', '15', '14', '13', '12']);
  });
});
