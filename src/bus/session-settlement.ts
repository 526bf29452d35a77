// Who waits for which command of a session to become durable, and what went wrong with those that did not.

interface Waiter {
  upTo: number;
  resolve: () => void;
  reject: (error: unknown) => void;
}

interface Failure {
  command: number;
  error: unknown;
}

/** Commands are numbered from 1 in the order they were run. */
export class SessionSettlement {
  #done = 0;
  #failures: Failure[] = [];
  #waiters: Waiter[] = [];
  #end: { error: unknown } | undefined;

  /** Resolves when the commands up to that number are durable; rejects with a failure among them that nobody was told of. */
  wait(upTo: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ upTo, resolve, reject });
      this.done(this.#done);
    });
  }

  fail(command: number, error: unknown): void {
    this.#failures.push({ command, error });
  }

  /** Nothing becomes durable any more: everyone who waits, now or later, is told. */
  failForGood(error: unknown): void {
    this.#end = { error };
    this.done(Number.POSITIVE_INFINITY);
  }

  /** All commands up to that number are durable or have failed. */
  done(upTo: number): void {
    this.#done = upTo;
    const ready = this.#waiters.filter((waiter) => waiter.upTo <= upTo);
    if (ready.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => waiter.upTo > upTo);
    const told = this.#end ? new Map(ready.map((waiter) => [waiter, this.#end])) : this.#assign(ready);
    for (const waiter of ready) {
      const failure = told.get(waiter);
      if (failure) waiter.reject(failure.error);
      else waiter.resolve();
    }
  }

  /** A failure is for those who waited for just that command, else for the next one who waited for more. */
  #assign(ready: readonly Waiter[]): Map<Waiter, Failure> {
    const told = new Map<Waiter, Failure>();
    this.#failures = this.#failures.filter((failure) => {
      const exact = ready.filter((waiter) => waiter.upTo === failure.command);
      const later = ready.filter((waiter) => waiter.upTo > failure.command).slice(0, 1);
      for (const waiter of exact.length > 0 ? exact : later) told.set(waiter, told.get(waiter) ?? failure);
      return exact.length + later.length === 0;
    });
    return told;
  }
}
