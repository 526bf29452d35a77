// A session log in memory that can be made to race, to fail and to wait.
import type { SessionLog } from '../../src/ports/session-log.ts';
import { BusError } from '../../src/protocol/errors.ts';
import type { SessionEvent } from '../../src/protocol/types.gen.ts';

export class MemorySessionLog implements SessionLog {
  readonly #streams = new Map<string, string[]>();
  readonly #refused = new Set<string>();
  readonly appends: { sessionId: string; expectedVersion: number; types: string[] }[] = [];
  /** Once true, no write succeeds. */
  broken = false;
  /** Another writer: called before the next append, which then comes too late where this one appended. */
  beforeNextAppend: (() => void) | undefined;
  /** Appends take effect no sooner than this has resolved. */
  gate: Promise<void> = Promise.resolve();

  async append(sessionId: string, expectedVersion: number, events: readonly SessionEvent[]): Promise<void> {
    const race = this.beforeNextAppend;
    this.beforeNextAppend = undefined;
    race?.();
    this.appends.push({ sessionId, expectedVersion, types: events.map((event) => event.type) });
    await this.gate;
    if (this.broken) throw new BusError('STORE_FAILED', 'The disk is gone; restart the bus.');
    if (this.#refused.has(sessionId)) throw new BusError('VERSION_MISMATCH', 'An append before was refused.');
    try {
      this.write(sessionId, expectedVersion, events);
    } catch (error) {
      this.#refused.add(sessionId);
      throw error;
    }
  }

  /** What `append` does in the end; for the other writer. Kept as text, as a disk would. */
  write(sessionId: string, expectedVersion: number, events: readonly SessionEvent[]): void {
    const stream = this.#streams.get(sessionId) ?? [];
    if (stream.length !== expectedVersion) {
      throw new BusError('VERSION_MISMATCH', `The stream is at ${stream.length}, not at ${expectedVersion}.`);
    }
    for (const event of events) {
      if (Number(event.id) !== stream.length + 1) throw new Error(`event ${event.id} at ${stream.length + 1}`);
      stream.push(JSON.stringify(event));
    }
    this.#streams.set(sessionId, stream);
  }

  async read(sessionId: string, afterVersion: number, limit: number): Promise<SessionEvent[]> {
    this.#refused.delete(sessionId);
    return this.events(sessionId).slice(afterVersion, afterVersion + limit);
  }

  events(sessionId: string): SessionEvent[] {
    return (this.#streams.get(sessionId) ?? []).map((text) => JSON.parse(text) as SessionEvent);
  }

  async sessionIds(): Promise<string[]> {
    return [...this.#streams.keys()];
  }

  async remove(sessionId: string): Promise<void> {
    await this.gate;
    if (this.broken) throw new BusError('STORE_FAILED', 'The disk is gone; restart the bus.');
    this.#streams.delete(sessionId);
  }
}
