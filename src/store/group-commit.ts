// Group commit: everything written in one turn, and while a commit is under way, shares the next one. No timer.
import { BusError } from '../protocol/errors.ts';

/** What is committed together. */
export class Group {
  /** Resolves when the group is flushed; rejects with STORE_FAILED. */
  readonly done: Promise<void>;
  readonly #writes: (() => void)[] = [];
  readonly #flushed: (() => void)[] = [];
  #resolve: () => void = () => undefined;
  #reject: (cause: unknown) => void = () => undefined;

  constructor() {
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // A writer that does not wait must not turn a failed disk into an unhandled rejection; the store reports it.
    this.done.catch(() => undefined);
  }

  /** Runs when the group is written: the writes of one group are one transaction. */
  write(put: () => void): void {
    this.#writes.push(put);
  }

  /** Runs once the group is flushed, before those who wait for `done` go on. */
  afterFlush(run: () => void): void {
    this.#flushed.push(run);
  }

  runWrites(): void {
    for (const put of this.#writes) put();
  }

  succeed(): void {
    try {
      for (const run of this.#flushed) run();
    } finally {
      this.#resolve();
    }
  }

  fail(cause: unknown): void {
    this.#reject(cause);
  }
}

/** Runs the writes as one transaction and resolves when that transaction is flushed. */
export type Transact = (writes: () => void) => Promise<unknown>;

/** Runs something when the present turn has ended. */
export type Defer = (run: () => void) => void;

export class GroupCommit {
  readonly #transact: Transact;
  readonly #defer: Defer;
  /** Called in the turn of each commit, before it: the last chance to join it. */
  readonly #beforeWrite: (() => void)[] = [];
  readonly #failureListeners: ((cause: unknown) => void)[] = [];
  #open: Group | undefined;
  #writing: Group | undefined;
  #failed: Group | undefined;

  constructor(transact: Transact, defer: Defer = setImmediate) {
    this.#transact = transact;
    this.#defer = defer;
  }

  beforeWrite(hook: () => void): void {
    this.#beforeWrite.push(hook);
  }

  onFailure(listener: (cause: unknown) => void): void {
    this.#failureListeners.push(listener);
  }

  /** The group that the next commit writes; after a commit has failed, one that has failed as well. */
  join(): Group {
    if (this.#failed) return this.#failed;
    if (!this.#open) {
      this.#open = new Group();
      if (!this.#writing) this.#defer(this.#flush);
    }
    return this.#open;
  }

  /** Resolves when what was joined last is flushed; undefined where all is. */
  get underWay(): Promise<void> | undefined {
    return (this.#open ?? this.#writing)?.done;
  }

  /** Resolves when all that was joined so far is flushed. */
  async settled(): Promise<void> {
    await Promise.all([this.#writing?.done, this.#open?.done]);
  }

  readonly #flush = (): void => {
    const group = this.#open;
    if (!group || this.#writing || this.#failed) return;
    for (const hook of this.#beforeWrite) hook();
    this.#open = undefined;
    this.#writing = group;
    this.#commit(group).then(
      () => {
        this.#writing = undefined;
        group.succeed();
        if (this.#open) this.#defer(this.#flush);
      },
      (cause: unknown) => this.fail(cause),
    );
  };

  async #commit(group: Group): Promise<void> {
    await this.#transact(() => group.runWrites());
  }

  /** Nothing is written any more; also for what fails beside it. Twice is once. */
  fail(cause: unknown): void {
    if (this.#failed) return;
    const text = 'The store could not write; nothing is accepted until the bus was restarted.';
    const failure = new BusError('STORE_FAILED', text, { cause });
    this.#failed = new Group();
    for (const group of [this.#writing, this.#open, this.#failed]) group?.fail(failure);
    this.#writing = undefined;
    this.#open = undefined;
    for (const listener of this.#failureListeners) listener(cause);
  }
}
