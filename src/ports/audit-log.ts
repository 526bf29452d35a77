// Where it is kept who did what: entries in their order, the oldest of which are forgotten.
import type { BusError } from '../protocol/errors.ts';
import type { AuditEntry } from '../protocol/types.gen.ts';

/** An entry as it is kept: its id is its place, and `at` is in milliseconds since the epoch. */
export type AuditRecord = Omit<AuditEntry, 'id' | 'at'> & { at: number };

export interface KeptRecord {
  /** One more than that of the entry before it; never used again. */
  place: number;
  record: AuditRecord;
}

export interface AuditLog {
  /** Who is told once of each entry that cannot be read: it is left out where entries are read, and may go with the oldest. */
  listen(damaged: (error: BusError) => void): void;
  /** Those of one turn share a commit, which no mail waits for. Resolves when flushed; @throws BusError STORE_FAILED. */
  append(record: AuditRecord): Promise<void>;
  /** The latest that stand before `place`, newest first; all that were appended until now are seen. */
  readBefore(place: number, limit: number): Promise<KeptRecord[]>;
  /** Forgets the oldest: those before `at`, and what is more than `keep`, no more than `limit` of them. The last one stays. @returns how many. */
  trim(at: number, keep: number, limit: number): Promise<number>;
}
