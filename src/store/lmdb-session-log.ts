// Session events in LMDB: one row an event, keyed by session and version.
import { onOnePage } from '../core/paging/page-budget.ts';
import type { SessionLog } from '../ports/session-log.ts';
import { BusError } from '../protocol/errors.ts';
import type { SessionEvent } from '../protocol/types.gen.ts';
import type { Group } from './group-commit.ts';
import type { Table } from './lmdb-environment.ts';
import type { LmdbRows } from './lmdb-rows.ts';
import { seal, unseal } from './sealed.ts';

export const sessionEvents = 'session_events';
const last = Number.MAX_SAFE_INTEGER;

export class LmdbSessionLog implements SessionLog {
  readonly #events: Table;
  readonly #rows: LmdbRows;
  /** What a session's version is after all that was handed over, on disk or not yet; where absent, the table says it. */
  readonly #versions = new Map<string, { version: number }>();
  /** Sessions of which an append was refused that was not read since. */
  readonly #refused = new Set<string>();

  constructor(events: Table, rows: LmdbRows) {
    this.#events = events;
    this.#rows = rows;
  }

  async append(sessionId: string, expectedVersion: number, events: readonly SessionEvent[]): Promise<void> {
    const version = this.#version(sessionId);
    if (version !== expectedVersion || this.#refused.has(sessionId)) {
      this.#refused.add(sessionId);
      throw new BusError('VERSION_MISMATCH', `Session ${sessionId} is at version ${version}; read it and try again.`);
    }
    this.#versions.set(sessionId, { version: expectedVersion + events.length });
    let group: Group | undefined;
    for (const event of events) {
      group = this.#rows.put(sessionEvents, [sessionId, Number(event.id)], seal(JSON.stringify(event)));
    }
    await group?.done;
  }

  async read(sessionId: string, afterVersion: number, limit: number): Promise<SessionEvent[]> {
    this.#refused.delete(sessionId);
    await this.#rows.complete();
    const range = this.#events.getRange({
      start: [sessionId, afterVersion + 1],
      end: [sessionId, last],
      limit,
    });
    return onOnePage(range, ({ value }) => value.length).map(
      ({ value }) => JSON.parse(unseal(value, `of session ${sessionId}`)) as SessionEvent,
    );
  }

  async sessionIds(): Promise<string[]> {
    await this.#rows.complete();
    const ids: string[] = [];
    // One step a session: from any of its events to behind its last.
    for (let key = this.#firstKey([]); key; key = this.#firstKey([key[0], last])) ids.push(key[0]);
    return ids;
  }

  async remove(sessionId: string): Promise<void> {
    // Up to what was handed over, not up to what is on disk: an append may still be on its way.
    const version = this.#version(sessionId);
    const removed = { version: 0 };
    this.#versions.set(sessionId, removed);
    this.#refused.delete(sessionId);
    let group: Group | undefined;
    for (let id = 1; id <= version; id++) group = this.#rows.put(sessionEvents, [sessionId, id], undefined);
    await group?.done;
    await this.#rows.complete();
    // The table says it from now on; unless something of the session was handed over meanwhile.
    if (this.#versions.get(sessionId) === removed) this.#versions.delete(sessionId);
  }

  #firstKey(start: (string | number)[]): [string, number] | undefined {
    for (const key of this.#events.getKeys({ start, limit: 1 })) return key as [string, number];
    return undefined;
  }

  #version(sessionId: string): number {
    const known = this.#versions.get(sessionId);
    if (known) return known.version;
    for (const key of this.#events.getKeys({
      start: [sessionId, last],
      end: [sessionId, 0],
      reverse: true,
      limit: 1,
    })) {
      return Number((key as [string, number])[1]);
    }
    return 0;
  }
}
