// How many sessions may be active at once, of all workspaces together.
import { BusError } from '../protocol/errors.ts';

export class SessionLimit {
  readonly #max: number;
  readonly #active = new Set<object>();

  /** @param max 0 is no limit */
  constructor(max = 0) {
    this.#max = max;
  }

  /** @throws BusError SESSION_LIMIT where there is no place for another one */
  assertRoom(): void {
    if (this.#max === 0 || this.#active.size < this.#max) return;
    throw new BusError('SESSION_LIMIT', `At most ${this.#max} sessions may be active; end or delete one first.`);
  }

  /** @param session whatever stands for it, in whichever workspace: always the same object */
  note(session: object, isActive: boolean): void {
    if (isActive) this.#active.add(session);
    else this.#active.delete(session);
  }
}
