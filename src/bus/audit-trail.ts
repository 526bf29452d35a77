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

export type Deed = Omit<AuditRecord, 'at' | 'count'>;

const roundMs = 60_000;
/** Kinds of refusals that are told apart within a round. */
const maxKinds = 1_000;
const trimSize = 1_000;
/** Entries that one page looks at. */
const longestSearch = 10_000;

export class AuditTrail {
  readonly #options: Required<AuditTrailOptions>;
  /** Refusals of this round: the first of each kind is in the log, `more` are not yet. */
  readonly #refusals = new Map<string, { deed: Deed; more: number }>();
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
    const deed: Deed = { ...refusal, action: 'refused' };
    const kind = this.#refusals.size < maxKinds ? deed : manyOf(deed);
    const key = JSON.stringify([
      kind.actor,
      kind.code,
      kind.route,
      kind.address,
      kind.workspace_id,
      kind.agent_id,
      kind.session_id,
    ]);
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
  }

  /** In steps, each a transaction of its own. */
  async #trim(): Promise<void> {
    const { log, clock, retentionMs, maxEntries } = this.#options;
    while ((await log.trim(clock.now() - retentionMs, maxEntries, trimSize)) === trimSize);
  }
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
