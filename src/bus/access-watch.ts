// Ends what is open under a credential when that is over: sockets, streams, waiting pulls and sync sends.
import type { Clock } from '../ports/clock.ts';
import { BusError } from '../protocol/errors.ts';
import { isOver } from './credentials.ts';
import type { Principal } from './identity.ts';

/** Told why it ends. */
export type End = (reason: BusError) => void;

/** Milliseconds that something may stay open under a credential that is over. */
const lookEveryMs = 1_000;

export class AccessWatch {
  readonly #clock: Clock;
  /** What is open, by who opened it: most credentials have a few. */
  readonly #open = new Map<Principal, Set<End>>();
  #cancel: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `end` is called within two seconds of the end of the credential. The returned function is for what ends before. */
  hold(principal: Principal, end: End): () => void {
    const ends = this.#open.get(principal) ?? new Set<End>();
    this.#open.set(principal, ends.add(end));
    this.#cancel ??= this.#clock.schedule(lookEveryMs, this.#look);
    return () => {
      ends.delete(end);
      if (ends.size === 0 && this.#open.get(principal) === ends) this.#open.delete(principal);
    };
  }

  /** Nothing is looked after any more. */
  close(): void {
    this.#cancel?.();
    this.#open.clear();
  }

  // A timer for each would have to follow every change of an end; to look at all of them costs next to nothing.
  readonly #look = (): void => {
    const now = this.#clock.now();
    for (const [principal, ends] of this.#open) {
      if (!isOver(principal, now)) continue;
      this.#open.delete(principal);
      const reason = new BusError('UNAUTHORIZED', 'The key has ended meanwhile; go on with one that is good.');
      for (const end of ends) end(reason);
    }
    this.#cancel = this.#open.size > 0 ? this.#clock.schedule(lookEveryMs, this.#look) : undefined;
  };
}
