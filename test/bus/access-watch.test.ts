import { describe, expect, it } from 'vitest';
import { AccessWatch } from '../../src/bus/access-watch.ts';
import { Credentials, newSecret } from '../../src/bus/credentials.ts';
import type { Principal } from '../../src/bus/identity.ts';
import { ManualClock } from '../support/manual-clock.ts';

function setUp() {
  const clock = new ManualClock();
  const credentials = new Credentials(clock);
  const ended: string[] = [];
  const watch = new AccessWatch(clock);
  const { secret, hash } = newSecret('abw');
  const holder = { id: 'key:1' };
  credentials.set(holder, [{ hash }]);
  const endAt = (at: number) => credentials.set(holder, [{ hash, endsAt: at }], [{ hash }]);
  const principal = credentials.find(secret) as Principal;
  return { clock, endAt, watch, ended, principal, end: (name: string) => () => void ended.push(name) };
}

describe('what is open under a credential', () => {
  it('is ended when the credential is, and nothing else is', () => {
    const { clock, endAt, watch, ended, principal, end } = setUp();
    watch.hold(principal, end('socket'));
    watch.hold(principal, end('stream'));
    watch.hold({ id: 'bus' }, end('operator'));
    clock.advance(10_000);
    expect(ended).toEqual([]);
    endAt(0);
    clock.advance(1_000);
    expect(ended).toEqual(['socket', 'stream']);
    clock.advance(10_000);
    expect(ended).toHaveLength(2);
  });

  it('is ended when a replaced credential comes to its end', () => {
    const { clock, endAt, watch, ended, principal, end } = setUp();
    watch.hold(principal, end('socket'));
    endAt(clock.now() + 5_000);
    clock.advance(4_999);
    expect(ended).toEqual([]);
    clock.advance(1_001);
    expect(ended).toEqual(['socket']);
  });

  it('is ended also where the credential ended before it opened', () => {
    const { clock, endAt, watch, ended, principal, end } = setUp();
    endAt(0);
    watch.hold(principal, end('socket'));
    clock.advance(1_000);
    expect(ended).toEqual(['socket']);
  });

  it('is left alone once it has ended by itself, and then no timer runs', () => {
    const { clock, endAt, watch, ended, principal, end } = setUp();
    const release = watch.hold(principal, end('socket'));
    expect(clock.pending).toBe(1);
    release();
    release();
    endAt(0);
    clock.advance(2_000);
    expect(ended).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('may open again under another credential', () => {
    const { clock, endAt, watch, ended, principal, end } = setUp();
    watch.hold(principal, end('first'));
    endAt(0);
    clock.advance(1_000);
    const release = watch.hold(principal, end('second'));
    release();
    clock.advance(1_000);
    expect(ended).toEqual(['first']);
  });

  it('is not looked after when the bus has closed', () => {
    const { clock, watch, principal, end } = setUp();
    watch.hold(principal, end('socket'));
    watch.close();
    expect(clock.pending).toBe(0);
  });
});
