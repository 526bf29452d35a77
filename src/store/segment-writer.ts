// Packs journal records into segments: what one commit appends, cut so that reading one message back stays cheap.
import type { NewMessage } from '../ports/mailbox-store.ts';
import { ByteWriter } from './byte-writer.ts';
import type { Entry } from './entry.ts';
import type { Change } from './entry-record.ts';
import { writeAccepted, writeChange } from './journal-record.ts';

/** A segment is closed once it is larger than this. */
const segmentBytes = 256 * 1024;
/** Sequence numbers count within a segment, so that they grow across restarts without being stored. */
const seqPerSegment = 2 ** 20;

interface OpenSegment {
  number: number;
  out: ByteWriter;
  seqs: number;
  /** Messages accepted in it, and where their envelopes begin. */
  accepted: { entry: Entry; start: number }[];
}

export interface PackedSegment {
  number: number;
  bytes: Buffer;
}

export class SegmentWriter {
  #last: number;
  #open: OpenSegment[] = [];

  /** Numbers go on behind `last`: no number below it is given again. */
  constructor(last: number) {
    this.#last = last;
  }

  /** The newest segment that has a record, or had one in an earlier run. */
  get last(): number {
    return this.#last;
  }

  /** Larger than every sequence number before; for a record that is written in the same turn. */
  nextSeq(): number {
    const segment = this.#room();
    return segment.number * seqPerSegment + segment.seqs++;
  }

  /** Appends an acceptance; `create` makes the entry that lies at the given place. */
  accept(message: NewMessage, create: (seq: number, segment: number, offset: number) => Entry): Entry {
    const seq = this.nextSeq();
    const segment = this.#room();
    const entry = create(seq, segment.number, segment.out.size);
    writeAccepted(segment.out, message, seq);
    segment.accepted.push({ entry, start: segment.out.size - message.bytes.length });
    return entry;
  }

  /** The number of the segment that the change is in. */
  change(change: Change): number {
    const segment = this.#room();
    writeChange(segment.out, change);
    return segment.number;
  }

  /**
   * Everything since the last call. Accepted entries then hold their envelope as a part of the segment, not as a
   * part of the network buffer that it came in.
   */
  pack(): PackedSegment[] {
    const packed = this.#open.map(packOne);
    this.#open = [];
    return packed;
  }

  #room(): OpenSegment {
    const last = this.#open.at(-1);
    if (last && last.out.size < segmentBytes && last.seqs < seqPerSegment) return last;
    const segment: OpenSegment = { number: ++this.#last, out: new ByteWriter(), seqs: 0, accepted: [] };
    this.#open.push(segment);
    return segment;
  }
}

function packOne({ number, out, accepted }: OpenSegment): PackedSegment {
  const used = out.buffer.subarray(0, out.size);
  // A nearly empty buffer would be kept alive by the one envelope in it.
  const bytes = out.size * 2 < out.buffer.length ? Buffer.from(used) : used;
  for (const { entry, start } of accepted) {
    if (entry.bytes) entry.bytes = bytes.subarray(start, start + entry.bytes.length);
  }
  return { number, bytes };
}
