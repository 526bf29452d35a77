// Who did what: hands each deed to the audit log, counts what is refused over and over, and forgets in time.
import type { AuditLog, AuditRecord } from '../ports/audit-log.ts';
import type { Clock } from '../ports/clock.ts';
import type { AuditEntry, AuditFilter } from '../protocol/types.gen.ts';

export interface AuditTrailOptions {
  log: AuditLog;
  clock: Clock;
  /** Milliseconds. */
  retentionMs: number;
  /** More entries than these are not kept. */
  maxEntries?: number;
  /** Told when the log cannot be written or trimmed, and of entries that the disk has damaged. */
  onError: (error: unknown) => void;
}

/** The actor who sent no key, or a wrong one. */
export const anonymous = 'anonymous';

export type Deed = Omit<AuditRecord, 'at' | 'count'>;

const roundMs = 60_000;
/** Kinds of refusals that are told apart within a round. */
const maxKinds = 1_000;
/** Of them, those of callers without a key: they cost nothing to make, and must not hide the others. */
const maxAnonymousKinds = 500;
/** Of them, those of one caller. */
const maxKindsOfOne = 100;
const trimSize = 1_000;
/** Entries that one page looks at. */
const longestSearch = 10_000;

export class AuditTrail {
  readonly #options: Required<AuditTrailOptions>;
  /** Refusals of this round: the first of each kind is in the log, `more` are not yet. */
  readonly #refusals = new Map<string, { deed: Deed; more: number }>();
  /** How many kinds are told apart of this round, by caller. */
  readonly #kindsOf = new Map<string, number>();
  #anonymousKinds = 0;
  #cancelRound: () => void;

  constructor(options: AuditTrailOptions) {
    this.#options = { maxEntries: 100_000, ...options };
    options.log.listen(options.onError);
    this.#cancelRound = this.#nextRound();
  }

  /** Returns at once. */
  record(deed: Deed): void {
    this.#append(deed);
  }

  /** The first of its kind in a minute at once, all others as one entry with their number. */
  recordRefusal(refusal: Omit<Deed, 'action'>): void {
    const deed: Deed = { ...withoutHearsay(refusal), action: 'refused' };
    const kind = this.#refusals.has(keyOf(deed)) || this.#admits(deed) ? deed : manyOf(deed);
    const key = keyOf(kind);
    const known = this.#refusals.get(key);
    if (known) {
      known.more++;
      return;
    }
    this.#refusals.set(key, { deed: kind, more: 0 });
    this.#append(kind);
  }

  /** Newest first; `next` where there may be older ones. */
  async page({ after, limit = 100, ...filter }: AuditFilter): Promise<{ items: AuditEntry[]; next?: string }> {
    const since = filter.since === undefined ? Number.NEGATIVE_INFINITY : Date.parse(filter.since);
    const items: AuditEntry[] = [];
    let place = after === undefined ? Number.MAX_SAFE_INTEGER : Number(after);
    for (let looked = 0; looked < longestSearch; ) {
      const found = await this.#options.log.readBefore(place, limit);
      for (const { place: id, record } of found) {
        if (record.at < since) return { items };
        place = id;
        if (fits(record, filter)) items.push(entryOf(id, record));
        if (items.length === limit) return { items, next: String(place) };
      }
      if (found.length < limit) return { items };
      looked += found.length;
    }
    return { items, next: String(place) };
  }

  /** Writes what was counted. */
  close(): void {
    this.#cancelRound();
    this.#endRound();
  }

  /** Whether one more kind is told apart, which it is from now on. */
  #admits({ actor, address }: Deed): boolean {
    const isAnonymous = actor === anonymous;
    const caller = isAnonymous ? `${address}` : actor;
    const kinds = this.#kindsOf.get(caller) ?? 0;
    if (this.#refusals.size >= maxKinds || kinds >= maxKindsOfOne) return false;
    if (isAnonymous && this.#anonymousKinds >= maxAnonymousKinds) return false;
    this.#kindsOf.set(caller, kinds + 1);
    if (isAnonymous) this.#anonymousKinds++;
    return true;
  }

  #append(deed: Deed, count?: number): void {
    const { log, clock, onError } = this.#options;
    const record = { ...deed, at: clock.now(), ...(count !== undefined && { count }) };
    log.append(record).catch(onError);
  }

  #nextRound(): () => void {
    return this.#options.clock.schedule(roundMs, () => {
      this.#endRound();
      this.#trim().catch(this.#options.onError);
      this.#cancelRound = this.#nextRound();
    });
  }

  #endRound(): void {
    for (const { deed, more } of this.#refusals.values()) if (more > 0) this.#append(deed, more);
    this.#refusals.clear();
    this.#kindsOf.clear();
    this.#anonymousKinds = 0;
  }

  /** In steps, each a transaction of its own. */
  async #trim(): Promise<void> {
    const { log, clock, retentionMs, maxEntries } = this.#options;
    while ((await log.trim(clock.now() - retentionMs, maxEntries, trimSize)) === trimSize);
  }
}

function keyOf({ actor, code, route, address, workspace_id, agent_id, session_id }: Deed): string {
  return JSON.stringify([actor, code, route, address, workspace_id, agent_id, session_id]);
}

/** Ids are what the caller has written: without a key they say nothing, and each would be a kind of its own. */
function withoutHearsay(refusal: Omit<Deed, 'action'>): Omit<Deed, 'action'> {
  if (refusal.actor !== anonymous) return refusal;
  const {
    agent_id: _agent,
    session_id: _session,
    chat_id: _chat,
    message_id: _message,
    key_id: _key,
    ...rest
  } = refusal;
  return rest;
}

/** So many are not told apart by who and where. */
function manyOf({ action, code }: Deed): Deed {
  return { action, actor: 'many', ...(code !== undefined && { code }) };
}

function fits(record: AuditRecord, { actor, action, workspace_id }: AuditFilter): boolean {
  return (
    (actor === undefined || record.actor === actor) &&
    (action === undefined || record.action === action) &&
    (workspace_id === undefined || record.workspace_id === workspace_id)
  );
}

function entryOf(place: number, { at, ...record }: AuditRecord): AuditEntry {
  return { id: String(place), at: new Date(at).toISOString(), ...record };
}
