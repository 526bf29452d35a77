// Work that nobody waits for, until the bus closes.

export class Background {
  readonly #onError: (error: unknown) => void;
  readonly #running = new Set<Promise<void>>();
  #closed = false;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** Begins it, unless the bus is closed: what is left undone then is found again at the next start. */
  run(work: () => Promise<void>): void {
    if (this.#closed) return;
    const running = work()
      .catch(this.#onError)
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Begins nothing any more; resolves when what was begun has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#running);
  }
}
