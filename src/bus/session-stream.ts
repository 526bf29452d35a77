// One session: its state in memory, ahead of the log, and the appends that follow behind.
import type { SessionCommand } from '../core/session/commands.ts';
import { execute } from '../core/session/decide.ts';
import { fold } from '../core/session/evolve.ts';
import { type SessionAggregate, versionOf } from '../core/session/state.ts';
import type { SessionLog } from '../ports/session-log.ts';
import { BusError } from '../protocol/errors.ts';
import type { SessionEvent } from '../protocol/types.gen.ts';
import { SessionSettlement } from './session-settlement.ts';

/** More refusals in a row than this are no race any more. */
const mostRefusals = 5;
const pageSize = 1000;

interface Unwritten {
  number: number;
  command: SessionCommand;
  events: readonly SessionEvent[];
}

export interface SessionStreamListener {
  /** These are durable now. */
  recorded(events: readonly SessionEvent[]): void;
  /** The state is another than the commands made it: reloaded after another writer, or thrown back by a failed write. */
  replaced(): void;
}

export class SessionStream {
  readonly #sessionId: string;
  readonly #log: SessionLog;
  readonly #listener: SessionStreamListener;
  readonly #settlement = new SessionSettlement();
  #state: SessionAggregate | undefined;
  #durable: SessionAggregate | undefined;
  #unwritten: Unwritten[] = [];
  /** How many of them the log was handed, and the version that it has after those. */
  #issued = 0;
  #expected = 0;
  /** Appends between two refusals are a wave. */
  #wave = 0;
  #refusals = 0;
  #commands = 0;
  #issuing = false;
  #rebasing = false;
  /** Settles when all appends so far have. */
  #writing: Promise<void> = Promise.resolve();
  #closed: BusError | undefined;

  constructor(sessionId: string, log: SessionLog, listener: SessionStreamListener) {
    this.#sessionId = sessionId;
    this.#log = log;
    this.#listener = listener;
  }

  /** Undefined before its creation, and after a creation that could not be recorded. */
  get state(): SessionAggregate | undefined {
    return this.#state;
  }

  /** Takes no commands any more. */
  get failed(): boolean {
    return this.#closed !== undefined;
  }

  /** Takes the state from the log. @throws BusError STORE_FAILED, STORE_UNREADABLE */
  async load(): Promise<void> {
    const events = await readAll(this.#log, this.#sessionId);
    this.#durable = fold(undefined, events);
    this.#state = this.#durable;
    this.#expected = versionOf(this.#durable);
  }

  /** Carries the command out in memory; the append follows. @throws BusError of the decision, or of the failed write before */
  run(command: SessionCommand): readonly SessionEvent[] {
    if (this.#closed) throw this.#closed;
    const { events, state } = execute(this.#state, command);
    if (events.length === 0) return events;
    this.#state = state;
    this.#commands += 1;
    this.#unwritten.push({ number: this.#commands, command, events });
    if (!this.#issuing) {
      this.#issuing = true;
      // The commands of one turn share one append.
      queueMicrotask(() => this.#issue());
    }
    return events;
  }

  /** Resolves when everything run so far is durable; rejects, once, with what kept a command from it. */
  settled(): Promise<void> {
    return this.#settlement.wait(this.#commands);
  }

  /** Refuses further commands, writes what is there, then forgets the session and its events. */
  async remove(): Promise<void> {
    this.#closed ??= new BusError('SESSION_NOT_FOUND', `Session ${this.#sessionId} was deleted; create it first.`);
    // What was run in this turn is issued in its end.
    await Promise.resolve();
    for (let last = this.#writing; ; last = this.#writing) {
      await last;
      if (last === this.#writing) break;
    }
    await this.#log.remove(this.#sessionId);
  }

  /** Hands to the log what it has not been handed; it does not wait for the appends before, and the log keeps their order. */
  #issue(): void {
    this.#issuing = false;
    const batch = this.#unwritten.slice(this.#issued);
    if (batch.length === 0 || this.#rebasing) return;
    const events = batch.flatMap((one) => one.events);
    const state = this.#state;
    const wave = this.#wave;
    const append = this.#log.append(this.#sessionId, this.#expected, events);
    this.#issued += batch.length;
    this.#expected += events.length;
    this.#writing = Promise.all([append, this.#writing]).then(
      () => this.#written(batch, events, state),
      (error: unknown) => this.#refused(error, wave),
    );
  }

  #written(batch: readonly Unwritten[], events: readonly SessionEvent[], state: SessionAggregate | undefined): void {
    // An append that came before a refusal that it was not told of.
    if (this.#unwritten[0] !== batch[0]) return;
    this.#durable = state;
    this.#unwritten = this.#unwritten.slice(batch.length);
    this.#issued -= batch.length;
    this.#refusals = 0;
    this.#listener.recorded(events);
    this.#tellSettled();
  }

  /** After one refusal the log refuses all that was issued with it: one rebase is for all of them. */
  async #refused(error: unknown, wave: number): Promise<void> {
    if (wave !== this.#wave) return;
    this.#wave += 1;
    this.#refusals += 1;
    try {
      if (!isMismatch(error)) throw error;
      if (this.#refusals > mostRefusals) {
        throw new BusError('VERSION_MISMATCH', 'The session log keeps refusing; try again.');
      }
      this.#rebasing = true;
      await this.#rebase();
    } catch (cause) {
      this.#giveUp(cause);
    } finally {
      this.#rebasing = false;
      this.#issued = 0;
      this.#expected = versionOf(this.#durable);
    }
    this.#issue();
  }

  /** Runs what is not written yet again, on the state that the log has now. */
  async #rebase(): Promise<void> {
    const known = versionOf(this.#durable);
    const events = await readAll(this.#log, this.#sessionId);
    this.#durable = fold(undefined, events);
    this.#state = this.#durable;
    const again = this.#unwritten;
    this.#unwritten = [];
    for (const { number, command } of again) this.#runAgain(number, command);
    this.#listener.recorded(events.filter((event) => Number(event.id) > known));
    this.#listener.replaced();
    this.#tellSettled();
  }

  #runAgain(number: number, command: SessionCommand): void {
    try {
      const { events, state } = execute(this.#state, command);
      this.#state = state;
      if (events.length > 0) this.#unwritten.push({ number, command, events });
    } catch (error) {
      this.#settlement.fail(number, error);
    }
  }

  /** Memory goes back to what is durable; after a failed write it takes no more. */
  #giveUp(error: unknown): void {
    for (const { number } of this.#unwritten) this.#settlement.fail(number, error);
    this.#unwritten = [];
    this.#refusals = 0;
    this.#state = this.#durable;
    if (!isMismatch(error)) {
      this.#closed = error instanceof BusError ? error : storeFailed(error);
      this.#settlement.failForGood(this.#closed);
    }
    this.#listener.replaced();
    this.#tellSettled();
  }

  #tellSettled(): void {
    const next = this.#unwritten[0];
    this.#settlement.done(next ? next.number - 1 : this.#commands);
  }
}

function isMismatch(error: unknown): boolean {
  return error instanceof BusError && error.code === 'VERSION_MISMATCH';
}

function storeFailed(cause: unknown): BusError {
  return new BusError('STORE_FAILED', 'The session log failed; restart the bus.', { cause });
}

async function readAll(log: SessionLog, sessionId: string): Promise<SessionEvent[]> {
  const all: SessionEvent[] = [];
  for (;;) {
    const page = await log.read(sessionId, Number(all.at(-1)?.id ?? 0), pageSize);
    if (page.length === 0) return all;
    all.push(...page);
  }
}
