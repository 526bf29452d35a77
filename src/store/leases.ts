// Which connection holds which offers.
import type { Entry } from './entry.ts';

export class Leases {
  readonly #byConnection = new Map<string, Set<Entry>>();

  /** The entries were just offered to the connection. */
  hold(connectionId: string, entries: readonly Entry[]): void {
    let held = this.#byConnection.get(connectionId);
    if (!held) {
      held = new Set();
      this.#byConnection.set(connectionId, held);
    }
    for (const entry of entries) held.add(entry);
  }

  /** The open attempt of the entry, if it has one, is about to end. */
  drop(entry: Entry): void {
    const connectionId = entry.openAttempt?.by.connectionId;
    if (connectionId === undefined) return;
    const held = this.#byConnection.get(connectionId);
    held?.delete(entry);
    if (held?.size === 0) this.#byConnection.delete(connectionId);
  }

  heldBy(connectionId: string): Entry[] {
    return [...(this.#byConnection.get(connectionId) ?? [])];
  }
}
