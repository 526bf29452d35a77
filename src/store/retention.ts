// Forgets what ended long ago: the rows of each message, and each file of the journal once nothing in it is needed.
import type { Clock } from '../ports/clock.ts';
import type { Entry } from './entry.ts';
import type { Journal } from './journal.ts';
import { fileOf, positionAt } from './journal-position.ts';
import type { JournalBlock } from './journal-reader.ts';
import type { JournalRecord } from './journal-record.ts';
import type { Ledger } from './ledger.ts';
import type { Shelf } from './shelf.ts';

/** Between two steps at least, so that a purge is a trickle beside the mail. */
const stepMs = 5;
/** A step rests so many times as long as it took. */
const rests = 3;
/** A step looks at so many messages. */
const stepSize = 64;
const shortestPassMs = 1_000;
const longestPassMs = 60_000;

export interface RetentionDeps {
  shelf: Shelf;
  ledger: Ledger;
  clock: Clock;
  /** Milliseconds that what ended is kept. */
  keepMs: number;
  /** Absent where nothing is on disk. */
  journal: Journal | undefined;
}

export class Retention {
  readonly #deps: RetentionDeps;
  /** Where this pass goes on; undefined between two passes. */
  #cursor: number | undefined;
  /** When the file under the cursor may be of no use, as far as it was read; 0 for now. */
  #neededUntil = 0;
  /** Whether it has any record, as far as it was read. */
  #hasRecords = false;
  /** The same of files that were read to the end in earlier passes. */
  readonly #idle = new Map<number, number>();
  /** Files to be removed. */
  #useless: number[] = [];
  #cancel: () => void = () => undefined;

  constructor(deps: RetentionDeps) {
    this.#deps = deps;
    this.#schedule(this.#passMs);
  }

  stop(): void {
    this.#cancel();
    this.#cancel = () => undefined;
  }

  get #passMs(): number {
    return Math.min(longestPassMs, Math.max(shortestPassMs, this.#deps.keepMs / 10));
  }

  #schedule(delayMs: number): void {
    const { clock, keepMs, journal, shelf } = this.#deps;
    this.#cancel = clock.schedule(delayMs, () => {
      const now = clock.now();
      if (!journal) shelf.forgetEndedBefore(now - keepMs);
      else if (this.#step(now, journal)) {
        this.#schedule(Math.max(stepMs, rests * (clock.now() - now)));
        return;
      }
      this.#cursor = undefined;
      this.#schedule(this.#passMs);
    });
  }

  /** Looks at some blocks; false at the end of the pass. */
  #step(now: number, journal: Journal): boolean {
    const before = now - this.#deps.keepMs;
    const mark = this.#deps.shelf.readMark();
    if (this.#cursor === undefined) {
      this.#bringUp(mark, before, now, journal);
      this.#cursor = this.#beginningAfter(0, journal, now);
    }
    const ended: Entry[] = [];
    let more = true;
    for (let seen = 0; seen < stepSize && this.#cursor !== undefined; ) {
      const block = this.#cursor < mark ? journal.blockAt(this.#cursor) : undefined;
      if (!block) {
        this.#leaveFile(fileOf(this.#cursor), mark, journal);
        this.#cursor = this.#beginningAfter(fileOf(this.#cursor), journal, now);
      } else if (isBetween(newestIn(block), before, now)) {
        more = false;
        break;
      } else {
        seen += block.records.length;
        this.#hasRecords ||= block.records.length > 0;
        ended.push(...this.#endedIn(block, now));
        this.#cursor = block.end;
      }
    }
    if (ended.length > 0 || this.#useless.length > 0) void this.#forget(ended, journal);
    return more && this.#cursor !== undefined;
  }

  /** Where mail is rare, what the tables do not have by themselves yet may be old: the next pass finds it there. */
  #bringUp(mark: number, before: number, now: number, journal: Journal): void {
    const block = mark < journal.flushed ? journal.blockBehind(mark) : undefined;
    // A store that fails says so itself.
    if (block && !isBetween(newestIn(block), before, now)) this.#deps.ledger.bringUp().catch(() => undefined);
  }

  /** The first file behind `file` in which something may have become useless. */
  #beginningAfter(file: number, journal: Journal, now: number): number | undefined {
    this.#neededUntil = 0;
    this.#hasRecords = false;
    const next = journal.files().find((other) => other > file && (this.#idle.get(other) ?? 0) <= now);
    return next === undefined ? undefined : positionAt(next, 0);
  }

  /** The file was read as far as it can be. */
  #leaveFile(file: number, mark: number, journal: Journal): void {
    const isWhole = journal.isEnd(this.#cursor ?? 0);
    // What is damaged stays: it is reported when it is read.
    if (!isWhole) return;
    if (this.#neededUntil > 0) {
      this.#idle.set(file, this.#neededUntil);
    } else if (file < fileOf(mark)) {
      this.#idle.set(file, Number.POSITIVE_INFINITY);
      this.#useless.push(file);
    } else if (this.#hasRecords && file === journal.newestFile) this.#deps.ledger.beginFile();
  }

  /** Files go after the rows that lead to them. What cannot be removed is tried again in a later pass. */
  async #forget(ended: readonly Entry[], journal: Journal): Promise<void> {
    const files = this.#useless;
    this.#useless = [];
    try {
      await this.#deps.ledger.forget(ended);
      for (const file of files) await journal.removeFile(file);
    } catch {
      // A store that fails says so itself.
    } finally {
      for (const file of files) this.#idle.delete(file);
    }
  }

  /** Messages that ended before the retention; when the others will have is noted. */
  #endedIn({ records }: JournalBlock, now: number): Entry[] {
    const { ledger, keepMs } = this.#deps;
    const ended: Entry[] = [];
    for (const { position, record } of records) {
      const id = idOfEnvelope(record);
      const entry = id === undefined ? undefined : ledger.entries.tryFind(id);
      // Forgotten before, accepted again later under the same id, or moved on with another envelope.
      if (entry?.record.position !== position) continue;
      const { settledAt, deadline } = entry.record;
      // What ended at an instant that is still to come does not keep others waiting for it.
      const until = (settledAt === undefined ? Math.max(now, deadline) : Math.min(now, settledAt)) + keepMs;
      if (until < now && entry.dirtySince === undefined) ended.push(entry);
      else this.#neededUntil = Math.max(this.#neededUntil, until, now + stepMs);
    }
    return ended;
  }
}

/** Whose envelope the record brought, if any. */
function idOfEnvelope(record: JournalRecord): string | undefined {
  if (record.kind === 'accepted') return record.head.messageId;
  return record.kind === 'change' && record.envelopeBytes !== undefined ? record.change.ids[0] : undefined;
}

/** What is from behind now comes of a clock that was set back: what follows it may be older. */
function isBetween(instant: number, from: number, to: number): boolean {
  return instant >= from && instant <= to;
}

/** When the block was written, as far as it says so. */
function newestIn({ records }: JournalBlock): number {
  let newest = 0;
  for (const { record } of records) {
    if (record.kind === 'accepted') newest = Math.max(newest, record.head.acceptedAt);
    else if (record.kind === 'change' && 'at' in record.change) newest = Math.max(newest, record.change.at);
  }
  return newest;
}
