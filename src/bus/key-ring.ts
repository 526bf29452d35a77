// The workspace keys: made, listed, replaced and revoked, by whoever may.
import { agentScopes, assertWithin, covers, narrow, scopesWithin } from '../core/keys/grant.ts';
import { replaceSecret } from '../core/keys/secrets.ts';
import type { Clock } from '../ports/clock.ts';
import type { KeyRecord, KeySecretRecord, KeyStore } from '../ports/key-store.ts';
import type { Page } from '../ports/mailbox-store.ts';
import { BusError } from '../protocol/errors.ts';
import type { NewId } from '../protocol/ids.ts';
import type { CreateKey, Key, KeyFilter } from '../protocol/types.gen.ts';
import { type Credentials, isOver, newSecret } from './credentials.ts';
import type { Principal } from './identity.ts';
import { keyView } from './key-view.ts';
import { lifetimeOf } from './lifetimes.ts';

export interface KeyRingDeps {
  store: KeyStore;
  clock: Clock;
  newId: NewId;
  credentials: Credentials;
}

/** A key as its maker sees it, this one time with its secret. */
export interface ShownKey {
  key: Key;
  secret: string;
}

const defaultPage = 100;

export class KeyRing {
  readonly #deps: KeyRingDeps;
  readonly #records = new Map<string, KeyRecord>();

  constructor(deps: KeyRingDeps) {
    this.#deps = deps;
  }

  /** Reads the keys of earlier runs. @throws BusError STORE_UNREADABLE */
  async load(): Promise<void> {
    for (const record of await this.#deps.store.all()) this.#remember(record);
    await this.#forgetExpired();
  }

  /**
   * Resolves when the key is durable. What `asked` leaves out is as with the giver.
   * @throws BusError FORBIDDEN for more than the giver may itself, VALIDATION_FAILED
   */
  async create(giver: Principal, asked: CreateKey & { workspace_id: string }): Promise<ShownKey> {
    const { clock, newId } = this.#deps;
    await this.#forgetExpired();
    const now = clock.now();
    const { name, workspace_id: workspaceId, user_id: userId, agent_id: agentId, expires_in: expiresIn } = asked;
    const { secret, ...hashed } = newSecret('abw');
    const record: KeyRecord = narrow(giver, {
      keyId: newId('key'),
      ...(name !== undefined && { name }),
      workspaceId,
      ...(userId !== undefined && { userId }),
      ...(agentId !== undefined && { agentId }),
      scopes: asked.scopes ?? scopesWithin(giver, agentScopes),
      createdAt: now,
      ...(expiresIn !== undefined && { expiresAt: now + lifetimeOf('expires_in', expiresIn) }),
      secrets: [{ ...hashed, createdAt: now }],
    });
    return { key: await this.#keep(record), secret };
  }

  /** Those that the viewer may see, by their ids. */
  list(viewer: Principal, { workspace_id, limit = defaultPage, after = '' }: KeyFilter): Page<Key> {
    const now = this.#deps.clock.now();
    const found = [...this.#records.values()]
      .filter((record) => record.keyId > after && covers(viewer, record) && !isExpired(record, now))
      .filter(({ workspaceId }) => workspace_id === undefined || workspaceId === workspace_id)
      .sort((a, b) => (a.keyId < b.keyId ? -1 : 1));
    const items = found.slice(0, limit).map((record) => keyView(record, now));
    const last = items.at(-1);
    return last && found.length > limit ? { items, next: last.key_id } : { items };
  }

  /**
   * A new secret for a key; the one before goes on for the overlap. Resolves when that is durable.
   * @throws BusError KEY_NOT_FOUND, FORBIDDEN for a key that may more than the giver, or lives longer
   */
  async rotate(giver: Principal, keyId: string, overlapMs: number): Promise<ShownKey> {
    const record = this.#visible(giver, keyId);
    assertWithin(giver, record);
    const now = this.#deps.clock.now();
    const { secret, ...hashed } = newSecret('abw');
    const next: KeySecretRecord = { ...hashed, createdAt: now };
    return {
      key: await this.#keep({ ...record, secrets: replaceSecret(record.secrets, next, { overlapMs, now }) }),
      secret,
    };
  }

  /** It is worth nothing from now on. Resolves when that is durable. @throws BusError KEY_NOT_FOUND */
  revoke(viewer: Principal, keyId: string): Promise<void> {
    return this.#forget(this.#visible(viewer, keyId));
  }

  /** A key of others is answered like one that never was. */
  #visible(viewer: Principal, keyId: string): KeyRecord {
    const record = this.#records.get(keyId);
    if (record && covers(viewer, record) && !isExpired(record, this.#deps.clock.now())) return record;
    throw new BusError('KEY_NOT_FOUND', `There is no key ${keyId}; GET /keys lists them.`);
  }

  async #keep(record: KeyRecord): Promise<Key> {
    this.#remember(record);
    await this.#deps.store.put(record);
    return keyView(record, this.#deps.clock.now());
  }

  async #forget({ keyId, secrets }: KeyRecord): Promise<void> {
    this.#records.delete(keyId);
    this.#deps.credentials.set({ id: `key:${keyId}` }, [], secrets);
    await this.#deps.store.remove(keyId);
  }

  /** At the start and before each new key, so that they do not pile up. */
  async #forgetExpired(): Promise<void> {
    const now = this.#deps.clock.now();
    const expired = [...this.#records.values()].filter((record) => isExpired(record, now));
    await Promise.all(expired.map((record) => this.#forget(record)));
  }

  #remember(record: KeyRecord): void {
    const { keyId, workspaceId, userId, agentId, scopes, expiresAt, secrets } = record;
    const before = this.#records.get(keyId)?.secrets;
    this.#records.set(keyId, record);
    const holder: Principal = {
      id: `key:${keyId}`,
      workspaceId,
      ...(userId !== undefined && { userId }),
      ...(agentId !== undefined && { agentId }),
      scopes,
      ...(expiresAt !== undefined && { expiresAt }),
    };
    this.#deps.credentials.set(holder, secrets, before);
  }
}

function isExpired({ expiresAt }: KeyRecord, now: number): boolean {
  return isOver({ id: '', ...(expiresAt !== undefined && { expiresAt }) }, now);
}
