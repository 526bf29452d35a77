// The queue of one mailbox: a lane for each priority, of which only the head is in memory.
import type { Entry } from './entry.ts';
import { postponedLane } from './entry-record.ts';

interface Slot {
  seq: number;
  entry: Entry;
}

/** So many slots in front may show what was taken already. */
const takenKept = 64;

/** One priority of one mailbox, in the order of acceptance. */
export class Lane {
  #slots: Slot[] = [];
  #head = 0;
  /** About how many slots show entries that are not to be offered from here any more: never fewer than there are. */
  #forgotten = 0;
  /** Rows of this lane in the queue table, and the bytes of their envelopes. */
  rows = 0;
  rowBytes = 0;
  /** Those of them whose entries are in memory as well. */
  warmRows = 0;
  /** No row below this sequence number is without an entry in memory. */
  coldFrom = Number.POSITIVE_INFINITY;

  get coldRows(): number {
    return this.rows - this.warmRows;
  }

  /** Entries that the lane keeps in memory, some of them perhaps taken or no longer current. */
  get slotCount(): number {
    return this.#slots.length;
  }

  /** Puts an entry where its sequence number belongs; nearly always that is the end. */
  add(entry: Entry): void {
    const slots = this.#slots;
    const { seq } = entry.record;
    const last = slots.at(-1);
    if (!last || last.seq <= seq) {
      slots.push({ seq, entry });
      return;
    }
    let low = this.#head;
    let high = slots.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((slots[middle]?.seq ?? 0) < seq) low = middle + 1;
      else high = middle;
    }
    slots.splice(low, 0, { seq, entry });
  }

  /** The oldest entry that can be offered. Slots whose entry has moved on meanwhile are dropped on the way. */
  peek(): Entry | undefined {
    for (;;) {
      const slot = this.#slots[this.#head];
      if (!slot) return undefined;
      if (isCurrent(slot)) return slot.entry;
      this.drop();
    }
  }

  /** One of the entries is not to be offered any more, or not from memory: its slot goes with those of others. */
  forgetOne(): void {
    this.#forgotten++;
    if (this.#forgotten < 64 || this.#forgotten * 2 < this.slotCount) return;
    this.#slots = this.#slots.slice(this.#head).filter(isCurrent);
    this.#head = 0;
    this.#forgotten = 0;
  }

  /** Removes the slot that `peek` showed. */
  drop(): void {
    this.#head++;
    if (this.#head === this.#slots.length) {
      this.#slots = [];
      this.#head = 0;
      this.#forgotten = 0;
    } else if (this.#head >= takenKept && this.#head * 2 > this.#slots.length) {
      this.#slots = this.#slots.slice(this.#head);
      this.#head = 0;
    }
  }
}

/** A message that was moved or sent again has a new sequence number, and a new slot with it. */
function isCurrent({ seq, entry }: Slot): boolean {
  return entry.record.state === 'ready' && entry.record.seq === seq && !entry.evicted;
}

export class MailboxQueue {
  readonly name: string;
  /** By priority, highest first, and last what is not due yet. */
  readonly lanes: readonly Lane[] = Array.from({ length: postponedLane + 1 }, () => new Lane());
  /** Messages that have not ended, in memory or not, and the bytes of their envelopes. */
  unsettled = 0;
  bytes = 0;
  inFlight = 0;
  readonly #emptied: Set<MailboxQueue>;

  /** Whenever it may hold nothing any more, it joins the `emptied` ones. */
  constructor(name: string, emptied: Set<MailboxQueue>) {
    this.name = name;
    this.#emptied = emptied;
  }

  /** Counts an entry of this mailbox that has not ended, or counts it off. */
  count({ settled, record }: Entry, by: 1 | -1): void {
    if (settled) return;
    this.unsettled += by;
    if (this.unsettled === 0) this.#emptied.add(this);
    this.bytes += by * record.size;
    if (record.state === 'leased') this.inFlight += by;
  }

  laneFor(entry: Entry): Lane {
    const lane = this.lanes[entry.lane];
    if (!lane) throw new RangeError(`no lane ${entry.lane}`);
    return lane;
  }
}

/** All mailboxes that hold something. */
export class MailboxQueues {
  readonly #queues = new Map<string, MailboxQueue>();
  /** Those that may hold nothing any more. */
  readonly #emptied = new Set<MailboxQueue>();

  of(name: string): MailboxQueue {
    let queue = this.#queues.get(name);
    if (!queue) {
      queue = new MailboxQueue(name, this.#emptied);
      this.#queues.set(name, queue);
    }
    return queue;
  }

  existing(name: string): MailboxQueue | undefined {
    return this.#queues.get(name);
  }

  /** Mailboxes that hold nothing need not be remembered. */
  forgetEmpty(): void {
    for (const queue of this.#emptied) {
      const isUsed = queue.unsettled > 0;
      // Rows of messages that have ended are removed in the background: until then it is looked at again.
      if (!isUsed && queue.lanes.some((lane) => lane.rows > 0)) continue;
      this.#emptied.delete(queue);
      if (!isUsed) this.#queues.delete(queue.name);
    }
  }
}
