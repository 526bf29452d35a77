// Packs journal records into segments: what one commit appends, cut so that reading one message back stays cheap.
import type { NewMessage } from '../ports/mailbox-store.ts';
import type { Change, Entry } from './entry.ts';
import { encodeAcceptedHead, encodeChange } from './journal-record.ts';

/** A segment is closed once it is larger than this. */
const segmentBytes = 256 * 1024;
/** Sequence numbers count within a segment, so that they grow across restarts without being stored. */
const seqPerSegment = 2 ** 20;

interface OpenSegment {
  number: number;
  parts: Buffer[];
  size: number;
  seqs: number;
  /** Messages accepted in it, and where their envelopes begin and end. */
  accepted: { entry: Entry; start: number; end: number }[];
}

export interface PackedSegment {
  number: number;
  bytes: Buffer;
}

export class SegmentWriter {
  #next: number;
  #open: OpenSegment[] = [];

  constructor(lastSegment: number) {
    this.#next = lastSegment + 1;
  }

  /** The segment that the next record goes to. */
  get current(): number {
    return this.#room().number;
  }

  /** Larger than every sequence number before. */
  nextSeq(): number {
    const segment = this.#room();
    return segment.number * seqPerSegment + segment.seqs++;
  }

  /** Appends an acceptance; `create` makes the entry that lies at the given place. */
  accept(message: NewMessage, create: (seq: number, segment: number, offset: number) => Entry): Entry {
    const seq = this.nextSeq();
    const segment = this.#room();
    const head = encodeAcceptedHead(message, seq);
    const entry = create(seq, segment.number, segment.size);
    const start = segment.size + head.length;
    segment.parts.push(head, message.bytes);
    segment.size = start + message.bytes.length;
    segment.accepted.push({ entry, start, end: segment.size });
    return entry;
  }

  change(change: Change): void {
    const segment = this.#room();
    const record = encodeChange(change);
    segment.parts.push(record);
    segment.size += record.length;
  }

  /**
   * Everything since the last call. Accepted entries then hold their envelope as a part of the segment, not as a
   * part of the network buffer that it came in.
   */
  pack(): PackedSegment[] {
    const packed = this.#open
      .filter((segment) => segment.parts.length > 0)
      .map((segment) => {
        const bytes = Buffer.concat(segment.parts, segment.size);
        for (const { entry, start, end } of segment.accepted) entry.bytes = bytes.subarray(start, end);
        return { number: segment.number, bytes };
      });
    this.#open = [];
    return packed;
  }

  #room(): OpenSegment {
    const last = this.#open.at(-1);
    if (last && last.size < segmentBytes && last.seqs < seqPerSegment) return last;
    const segment: OpenSegment = {
      number: this.#next++,
      parts: [],
      size: 0,
      seqs: 0,
      accepted: [],
    };
    this.#open.push(segment);
    return segment;
  }
}
