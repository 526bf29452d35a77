// The heartbeat of all sockets: each is looked at once an interval, and never all of them in one turn.

interface Beating {
  /** Called once an interval. */
  tick(): void;
}

/** Ten thousand pings in one turn would hold up everybody's mail for a tenth of a second. */
const mostSlots = 100;
const shortestTurnMs = 50;

export class HeartbeatWheel {
  readonly #slots: readonly Set<Beating>[];
  readonly #timer: NodeJS.Timeout;
  #turn = 0;
  #added = 0;

  constructor(intervalMs: number) {
    const count = Math.min(mostSlots, Math.max(1, Math.floor(intervalMs / shortestTurnMs)));
    this.#slots = Array.from({ length: count }, () => new Set<Beating>());
    this.#timer = setInterval(() => this.#beat(), intervalMs / count);
    this.#timer.unref();
  }

  /** Its first tick comes within the interval; the returned function ends them. */
  add(one: Beating): () => void {
    const slot = this.#slot(this.#added++);
    slot.add(one);
    return () => slot.delete(one);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #beat(): void {
    for (const one of this.#slot(this.#turn++)) one.tick();
  }

  #slot(index: number): Set<Beating> {
    const slot = this.#slots[index % this.#slots.length];
    if (!slot) throw new RangeError(`no slot ${index}`);
    return slot;
  }
}
