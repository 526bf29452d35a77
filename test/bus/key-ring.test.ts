import { describe, expect, it } from 'vitest';
import { Credentials } from '../../src/bus/credentials.ts';
import type { Principal } from '../../src/bus/identity.ts';
import { KeyRing } from '../../src/bus/key-ring.ts';
import type { KeyStore } from '../../src/ports/key-store.ts';
import { newId } from '../../src/protocol/ids.ts';
import type { CreateKey } from '../../src/protocol/types.gen.ts';
import { MemoryKeyStore } from '../../src/store/memory-key-store.ts';
import { ManualClock } from '../support/manual-clock.ts';

const operator: Principal = { id: 'bus' };
const day = 86_400_000;

async function open(store: KeyStore = new MemoryKeyStore(), clock = new ManualClock()) {
  const credentials = new Credentials(clock);
  const ring = new KeyRing({ store, clock, newId, credentials });
  await ring.load();
  const create = (asked: Partial<CreateKey> = {}, giver = operator) =>
    ring.create(giver, { workspace_id: 'team-a', ...asked });
  return { ring, clock, store, credentials, create, find: (secret: string) => credentials.find(secret) };
}

/** The principal of a new key. */
async function holderOf(bus: Awaited<ReturnType<typeof open>>, asked: Partial<CreateKey>): Promise<Principal> {
  const { secret } = await bus.create(asked);
  const principal = bus.find(secret);
  if (!principal) throw new Error('the key is not good');
  return principal;
}

describe('a workspace key', () => {
  it('has a readable prefix and 192 random bits, and is kept as its hash only', async () => {
    const { create, store } = await open();
    const { key, secret } = await create();
    expect(secret).toMatch(/^abw_[A-Za-z0-9_-]{32}$/);
    expect(key.secrets).toEqual([{ hint: secret.slice(0, 8), created_at: expect.any(String), ends_at: null }]);
    const stored = JSON.stringify(await store.all());
    expect(stored).not.toContain(secret.slice(8));
    expect(JSON.stringify(key)).not.toContain(secret.slice(8));
  });

  it('is another each time', async () => {
    const { create } = await open();
    const secrets = await Promise.all(Array.from({ length: 100 }, async () => (await create()).secret));
    expect(new Set(secrets).size).toBe(100);
  });

  it('is for its workspace, user, agent and scopes', async () => {
    const { create, find } = await open();
    const { key, secret } = await create({
      user_id: 'u',
      agent_id: 'codex://qa',
      scopes: ['send', 'admin'],
      name: 'CI',
    });
    expect(find(secret)).toEqual({
      id: `key:${key.key_id}`,
      workspaceId: 'team-a',
      userId: 'u',
      agentId: 'codex://qa',
      scopes: ['send', 'admin'],
    });
    expect(key).toMatchObject({ name: 'CI', user_id: 'u', agent_id: 'codex://qa', scopes: ['send', 'admin'] });
  });

  it('may send, receive and work in sessions where nothing else is said', async () => {
    const bus = await open();
    expect((await bus.create()).key.scopes).toEqual(['send', 'receive', 'sessions']);
    const admin = await holderOf(bus, { scopes: ['admin', 'send'] });
    expect((await bus.create({}, admin)).key.scopes).toEqual(['send']);
  });

  it('ends when it expires, also for those who have shown it, and is forgotten', async () => {
    const { create, find, ring, clock, store } = await open();
    const { key, secret } = await create({ expires_in: '1h' });
    const shown = find(secret);
    expect(key.expires_at).toBe(new Date(clock.now() + 3_600_000).toISOString());
    clock.advance(3_599_999);
    expect(find(secret)).toBe(shown);
    clock.advance(1);
    expect(find(secret)).toBeUndefined();
    expect(ring.list(operator, {}).items).toEqual([]);
    await expect(ring.rotate(operator, key.key_id, 0)).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
    await create();
    expect(await store.all()).toHaveLength(1);
  });

  it.each(['99999d', '999999999h'])('cannot live for %s', async (expires_in) => {
    const { create } = await open();
    await expect(create({ expires_in })).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
  });

  it('survives a restart, with its rotations and its end', async () => {
    const { create, ring, clock, store } = await open();
    const kept = await create({ user_id: 'u' });
    const { secret: next } = await ring.rotate(operator, kept.key.key_id, day);
    const revoked = await create();
    await ring.revoke(operator, revoked.key.key_id);
    const brief = await create({ expires_in: '1m' });
    clock.advance(60_000);
    const after = await open(store, clock);
    expect(after.find(next)).toMatchObject({ workspaceId: 'team-a', userId: 'u' });
    expect(after.find(kept.secret)?.expiresAt).toBe(clock.now() - 60_000 + day);
    expect(after.find(revoked.secret)).toBeUndefined();
    expect(after.find(brief.secret)).toBeUndefined();
    expect(await store.all()).toHaveLength(1);
  });

  it('is answered only after it is durable', async () => {
    const order: string[] = [];
    const slow = new MemoryKeyStore();
    const { create, ring } = await open({
      put: (record) =>
        slow
          .put(record)
          .then(() => new Promise((done) => setImmediate(done)))
          .then(() => void order.push('put')),
      remove: (keyId) => slow.remove(keyId).then(() => void order.push('removed')),
      all: () => slow.all(),
    });
    const { key } = await create();
    order.push('created');
    await ring.rotate(operator, key.key_id, 0);
    order.push('rotated');
    await ring.revoke(operator, key.key_id);
    order.push('revoked');
    expect(order).toEqual(['put', 'created', 'put', 'rotated', 'removed', 'revoked']);
  });
});

describe('rotating a key', () => {
  it('lets the old secret go on for the overlap, also for those who have shown it', async () => {
    const { create, ring, find, clock } = await open();
    const { key, secret: old } = await create();
    const shown = find(old);
    const { secret, key: rotated } = await ring.rotate(operator, key.key_id, day);
    expect(rotated.key_id).toBe(key.key_id);
    expect(rotated.secrets.map(({ hint }) => hint)).toEqual([secret.slice(0, 8), old.slice(0, 8)]);
    clock.advance(day - 1);
    expect(find(old)).toBe(shown);
    expect(find(secret)).not.toBe(shown);
    clock.advance(1);
    expect(find(old)).toBeUndefined();
    expect(shown?.expiresAt).toBe(clock.now());
    expect(find(secret)).toMatchObject({ workspaceId: 'team-a' });
    expect(ring.list(operator, {}).items[0]?.secrets).toHaveLength(1);
  });

  it('ends it at once without an overlap', async () => {
    const { create, ring, find, clock } = await open();
    const { key, secret } = await create();
    const shown = find(secret);
    await ring.rotate(operator, key.key_id, 0);
    expect(find(secret)).toBeUndefined();
    expect(shown?.expiresAt).toBeLessThanOrEqual(clock.now());
  });

  it('twice at once leaves both new secrets good', async () => {
    const { create, ring, find } = await open();
    const { key, secret } = await create();
    const [one, two] = await Promise.all([
      ring.rotate(operator, key.key_id, day),
      ring.rotate(operator, key.key_id, day),
    ]);
    for (const each of [secret, one.secret, two.secret]) expect(find(each)).toBeDefined();
  });
});

describe('whoever has a key', () => {
  it('is nobody once it is revoked', async () => {
    const { create, ring, find, clock } = await open();
    const { key, secret } = await create();
    const shown = find(secret);
    await ring.revoke(operator, key.key_id);
    expect(find(secret)).toBeUndefined();
    expect(shown?.expiresAt).toBeLessThanOrEqual(clock.now());
    await expect(async () => ring.revoke(operator, key.key_id)).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
  });

  it('gives out none that may more than it', async () => {
    const bus = await open();
    const admin = await holderOf(bus, { user_id: 'u', scopes: ['admin', 'send'], expires_in: '1h' });
    for (const asked of [
      { workspace_id: 'team-b' },
      { user_id: 'v' },
      { scopes: ['sessions' as const] },
      { expires_in: '2h' },
    ]) {
      await expect(bus.create(asked, admin), JSON.stringify(asked)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    }
    const { key } = await bus.create({ scopes: ['send'] }, admin);
    expect(key).toMatchObject({
      user_id: 'u',
      scopes: ['send'],
      expires_at: new Date(bus.clock.now() + 3_600_000).toISOString(),
    });
  });

  it('rotates none that may more than it', async () => {
    const bus = await open();
    const strong = await bus.create({ scopes: ['admin', 'send'] });
    const weak = await holderOf(bus, { scopes: ['admin'] });
    await expect(bus.ring.rotate(weak, strong.key.key_id, 0)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(bus.find(strong.secret)).toBeDefined();
  });

  it('rotates none that lives longer than it, or for ever', async () => {
    const bus = await open();
    const admin = await holderOf(bus, { scopes: ['admin', 'send'], expires_in: '1h' });
    for (const expires_in of [undefined, '2h']) {
      const { key, secret } = await bus.create({ scopes: ['send'], ...(expires_in !== undefined && { expires_in }) });
      await expect(bus.ring.rotate(admin, key.key_id, 0)).rejects.toMatchObject({ code: 'FORBIDDEN' });
      expect(bus.find(secret)).toBeDefined();
      expect(bus.ring.list(operator, {}).items.find(({ key_id }) => key_id === key.key_id)).toEqual(key);
    }
    const { key } = await bus.create({ scopes: ['send'], expires_in: '1h' });
    expect((await bus.ring.rotate(admin, key.key_id, 0)).key.expires_at).toBe(key.expires_at);
  });

  it('sees no keys of other workspaces and other users, and cannot end them', async () => {
    const bus = await open();
    const admin = await holderOf(bus, { user_id: 'u', scopes: ['admin'] });
    const own = await bus.create({ user_id: 'u' });
    const others = [
      await bus.create({ workspace_id: 'team-b', user_id: 'u' }),
      await bus.create({ user_id: 'v' }),
      await bus.create(),
    ];
    expect(bus.ring.list(admin, {}).items.map(({ key_id }) => key_id)).toContain(own.key.key_id);
    expect(bus.ring.list(admin, {}).items).toHaveLength(2);
    for (const { key, secret } of others) {
      await expect(async () => bus.ring.revoke(admin, key.key_id)).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
      await expect(bus.ring.rotate(admin, key.key_id, 0)).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
      expect(bus.find(secret)).toBeDefined();
    }
  });

  it('lists them in pages, of all workspaces or of one', async () => {
    const { create, ring } = await open();
    for (const workspace_id of ['a', 'b', 'a', 'b', 'a']) await create({ workspace_id });
    const first = ring.list(operator, { limit: 2 });
    const second = ring.list(operator, { limit: 2, after: first.next ?? '' });
    const third = ring.list(operator, { limit: 2, after: second.next ?? '' });
    expect([first, second, third].flatMap(({ items }) => items.map((key) => key.workspace_id))).toEqual([
      'a',
      'b',
      'a',
      'b',
      'a',
    ]);
    expect(third.next).toBeUndefined();
    expect(ring.list(operator, { workspace_id: 'b' }).items).toHaveLength(2);
  });
});
