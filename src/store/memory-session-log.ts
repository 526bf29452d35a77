// The log of sessions of a program that keeps nothing on disk.
import { jsonSize } from '../core/json/size.ts';
import { onOnePage } from '../core/paging/page-budget.ts';
import type { SessionLog } from '../ports/session-log.ts';
import { BusError } from '../protocol/errors.ts';
import type { SessionEvent } from '../protocol/types.gen.ts';

export class MemorySessionLog implements SessionLog {
  readonly #kept: number;
  readonly #streams = new Map<string, SessionEvent[]>();
  readonly #refused = new Set<string>();

  /** @param kept the newest events of each session, at least; the others are forgotten */
  constructor(kept = Number.POSITIVE_INFINITY) {
    this.#kept = kept;
  }

  async append(sessionId: string, expectedVersion: number, events: readonly SessionEvent[]): Promise<void> {
    const stream = this.#streams.get(sessionId) ?? [];
    const version = Number(stream.at(-1)?.id ?? 0);
    if (version !== expectedVersion || this.#refused.has(sessionId)) {
      this.#refused.add(sessionId);
      throw new BusError('VERSION_MISMATCH', `Session ${sessionId} is at version ${version}; read it and try again.`);
    }
    stream.push(...structuredClone(events));
    // Now and then, not with each append: what is left moves to the front.
    if (stream.length > 2 * this.#kept) stream.splice(0, stream.length - this.#kept);
    this.#streams.set(sessionId, stream);
  }

  async read(sessionId: string, afterVersion: number, limit: number): Promise<SessionEvent[]> {
    this.#refused.delete(sessionId);
    const stream = this.#streams.get(sessionId) ?? [];
    const start = Math.max(0, afterVersion + 1 - Number(stream[0]?.id ?? 1));
    return structuredClone(onOnePage(stream.slice(start, start + limit), jsonSize));
  }

  async sessionIds(): Promise<string[]> {
    return [...this.#streams.keys()];
  }

  async remove(sessionId: string): Promise<void> {
    this.#streams.delete(sessionId);
  }
}
