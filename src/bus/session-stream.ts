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
  #commands = 0;
  #writing: Promise<void> | undefined;
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
  }

  /** Carries the command out in memory; the append follows. @throws BusError of the decision, or of the failed write before */
  run(command: SessionCommand): readonly SessionEvent[] {
    if (this.#closed) throw this.#closed;
    const { events, state } = execute(this.#state, command);
    if (events.length === 0) return events;
    this.#state = state;
    this.#commands += 1;
    this.#unwritten.push({ number: this.#commands, command, events });
    this.#writing ??= this.#write();
    return events;
  }

  /** Resolves when everything run so far is durable; rejects, once, with what kept a command from it. */
  settled(): Promise<void> {
    return this.#settlement.wait(this.#commands);
  }

  /** Refuses further commands, writes what is there, then forgets the session and its events. */
  async remove(): Promise<void> {
    this.#closed ??= new BusError('SESSION_NOT_FOUND', `Session ${this.#sessionId} was deleted; create it first.`);
    await this.#writing;
    await this.#log.remove(this.#sessionId);
  }

  /** One append at a time: were a second one on its way, it could hold good on top of the event that refused the first. */
  async #write(): Promise<void> {
    // The commands of one turn share one append.
    await Promise.resolve();
    try {
      for (let refusals = 0; this.#unwritten.length > 0; ) {
        refusals = (await this.#append()) ? 0 : refusals + 1;
        if (refusals > mostRefusals)
          throw new BusError('VERSION_MISMATCH', 'The session log keeps refusing; try again.');
      }
    } catch (error) {
      this.#giveUp(error);
    } finally {
      this.#writing = undefined;
    }
  }

  /** False where another writer was first. */
  async #append(): Promise<boolean> {
    const batch = [...this.#unwritten];
    const state = this.#state;
    const events = batch.flatMap((one) => one.events);
    try {
      await this.#log.append(this.#sessionId, versionOf(this.#durable), events);
    } catch (error) {
      if (!isMismatch(error)) throw error;
      await this.#rebase();
      return false;
    }
    this.#durable = state;
    this.#unwritten = this.#unwritten.slice(batch.length);
    this.#listener.recorded(events);
    this.#tellSettled();
    return true;
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
    all.push(...page);
    if (page.length < pageSize) return all;
  }
}
