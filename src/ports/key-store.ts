// What is remembered of workspace keys across restarts; the keys themselves are kept nowhere.
import type { Grant } from '../core/keys/grant.ts';
import type { Secret } from '../core/keys/secrets.ts';
import type { Scope } from '../protocol/types.gen.ts';

export interface KeySecretRecord extends Secret {
  /** Its first characters, to tell it from others. */
  hint: string;
  /** Milliseconds since the epoch. */
  createdAt: number;
}

export interface KeyRecord extends Grant {
  keyId: string;
  name?: string;
  workspaceId: string;
  scopes: readonly Scope[];
  /** Milliseconds since the epoch. */
  createdAt: number;
  /** Newest first. */
  secrets: readonly KeySecretRecord[];
}

export interface KeyStore {
  /** Creates or replaces. Resolves when flushed; @throws BusError STORE_FAILED. */
  put(record: KeyRecord): Promise<void>;
  /** Resolves when flushed: after a crash it is not there either. @throws BusError STORE_FAILED. */
  remove(keyId: string): Promise<void>;
  all(): Promise<KeyRecord[]>;
}
