// Forgets what ended long ago: a segment of the journal at a time, once nothing in it is needed any more.
import type { Clock } from '../ports/clock.ts';
import { BusError } from '../protocol/errors.ts';
import type { Entry } from './entry.ts';
import type { GroupCommit } from './group-commit.ts';
import { readRecords } from './journal-record.ts';
import type { Ledger } from './ledger.ts';
import type { Shelf } from './shelf.ts';

/** Between two segments, so that a purge is a trickle beside the mail. */
const stepMs = 5;
const shortestPassMs = 1_000;
const longestPassMs = 60_000;

export class Retention {
  readonly #shelf: Shelf;
  readonly #ledger: Ledger;
  readonly #commit: GroupCommit;
  readonly #clock: Clock;
  readonly #keepMs: number;
  /** The last segment that this pass has looked at. */
  #cursor = 0;
  #cancel: () => void = () => undefined;

  constructor(shelf: Shelf, ledger: Ledger, commit: GroupCommit, clock: Clock, keepMs: number) {
    this.#shelf = shelf;
    this.#ledger = ledger;
    this.#commit = commit;
    this.#clock = clock;
    this.#keepMs = keepMs;
    this.#schedule(this.#passMs);
  }

  stop(): void {
    this.#cancel();
    this.#cancel = () => undefined;
  }

  get #passMs(): number {
    return Math.min(longestPassMs, Math.max(shortestPassMs, this.#keepMs / 10));
  }

  #schedule(delayMs: number): void {
    this.#cancel = this.#clock.schedule(delayMs, () => {
      const before = this.#clock.now() - this.#keepMs;
      if (this.#step(before)) this.#schedule(stepMs);
      else {
        this.#cursor = 0;
        this.#schedule(this.#passMs);
      }
    });
  }

  /** Looks at one segment; false at the end of the pass. */
  #step(before: number): boolean {
    if (!this.#shelf.holdsMail) {
      this.#shelf.forgetEndedBefore(before);
      return false;
    }
    const [next] = this.#shelf.segmentsAfter(this.#cursor, 1);
    if (!next || next[0] > this.#shelf.readMark()) return false;
    const [segment, bytes] = next;
    this.#cursor = segment;
    const content = contentOf(bytes);
    // A damaged segment is kept: what it holds is reported when it is read.
    if (!content) return true;
    if (content.newest >= before) return false;
    const ended = this.#endedBefore(content.ids, segment, before);
    if (!ended) return true;
    const group = this.#commit.join();
    group.write(() => {
      for (const entry of ended) this.#ledger.unshelve(entry);
      this.#shelf.removeSegment(segment);
    });
    return true;
  }

  /** The entries of a segment, if all of them ended before; undefined where one is still needed. */
  #endedBefore(ids: readonly string[], segment: number, before: number): Entry[] | undefined {
    const ended: Entry[] = [];
    for (const id of ids) {
      const entry = this.#ledger.find(id);
      // Forgotten before, or accepted again later under the same id.
      if (entry?.record.segment !== segment) continue;
      const { settledAt } = entry.record;
      if (settledAt === undefined || settledAt >= before || entry.dirtySince !== undefined) return undefined;
      ended.push(entry);
    }
    return ended;
  }
}

function contentOf(segment: Buffer): { ids: string[]; newest: number } | undefined {
  const ids: string[] = [];
  let newest = 0;
  try {
    for (const record of readRecords(segment)) {
      if (record.kind === 'accepted') {
        ids.push(record.head.messageId);
        newest = Math.max(newest, record.head.acceptedAt);
      } else if ('at' in record.change) newest = Math.max(newest, record.change.at);
    }
  } catch (error) {
    if (error instanceof BusError) return undefined;
    throw error;
  }
  return { ids, newest };
}
