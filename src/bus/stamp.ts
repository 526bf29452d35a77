// The stamp: what the bus itself says of an envelope that it takes in, and how it gets into the bytes of that.
import { withBus } from '../core/delivery/bus-metadata.ts';
import { ascii } from '../core/json/ascii.ts';
import { lastMember, lastOfText } from '../core/json/last-member.ts';
import { timestampOf } from '../core/session/timestamp.ts';
import type { BusStamp, CompleteEnvelope } from '../protocol/types.gen.ts';
import { encode } from './encode.ts';

const { backslash, openBrace } = ascii;

/** A stamp, and its text as a further member of `metadata`, or with metadata of its own; made when it is first needed. */
export class Stamp {
  readonly bus: BusStamp;
  #member: Buffer | undefined;
  #metadata: Buffer | undefined;

  constructor(bus: BusStamp) {
    this.bus = bus;
  }

  get member(): Buffer {
    this.#member ??= Buffer.from(`,"bus":${JSON.stringify(this.bus)}`);
    return this.#member;
  }

  get metadata(): Buffer {
    this.#metadata ??= Buffer.from(`,"metadata":{"bus":${JSON.stringify(this.bus)}}`);
    return this.#metadata;
  }
}

/** Makes the stamps of one workspace: `sender` is who was authenticated, `at` in milliseconds since the epoch. */
export type CreateStamp = (sender: string, at: number, hop: number) => Stamp;

/** One key sends much in a millisecond: the stamp of that is made once. */
export function createStamps(workspaceId: string): CreateStamp {
  let lastAt = Number.NaN;
  let last = new Stamp({ sender: '', workspace_id: workspaceId, accepted_at: '', hop: 0 });
  return (sender, at, hop) => {
    const { bus } = last;
    if (at === lastAt && sender === bus.sender && hop === bus.hop) return last;
    const accepted_at = at === lastAt ? bus.accepted_at : timestampOf(at);
    lastAt = at;
    last = new Stamp({ sender, workspace_id: workspaceId, accepted_at, hop });
    return last;
  };
}

/**
 * The bytes of an envelope with its stamp as `metadata.bus`: a copy of those that came in, where they are complete, with
 * nothing else in them changed. One in which `metadata` stands twice is written anew, for not every reader takes the last.
 * @throws BusError VALIDATION_FAILED for an envelope that is nested too deeply to be written
 */
export function stampedBytes(envelope: CompleteEnvelope, stamp: Stamp, raw: Buffer | undefined): Buffer {
  const stamped = raw && insertStamp(raw, envelope.metadata !== undefined, stamp);
  return stamped ?? encode(withBus(envelope, stamp.bus));
}

const metadataText = Buffer.from('metadata');

/** `raw` is a JSON object that is not empty. `undefined` where no place is right for every reader. */
function insertStamp(raw: Buffer, hasMetadata: boolean, stamp: Stamp): Buffer | undefined {
  const end = lastOfText(raw, raw.length);
  if (!hasMetadata) return insert(raw, end, stamp.metadata);
  const place = lastMember(raw, 'metadata', end);
  if (!place || isThereAnother(raw, place.key)) return undefined;
  const isEmpty = raw[lastOfText(raw, place.close)] === openBrace;
  return insert(raw, place.close, isEmpty ? stamp.member.subarray(1) : stamp.member);
}

/** Two searches in native code tell for nearly all envelopes that no key before this one says the same. */
function isThereAnother(raw: Buffer, key: number): boolean {
  const escapedAt = raw.indexOf(backslash);
  const mayBeEscaped = escapedAt >= 0 && escapedAt < key;
  return (mayBeEscaped || raw.indexOf(metadataText) < key) && lastMember(raw, 'metadata', key) !== undefined;
}

function insert(raw: Buffer, at: number, text: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(raw.length + text.length);
  bytes.set(raw);
  bytes.set(text, at);
  let to = at + text.length;
  // Nearly always two braces: less than a call into native code costs.
  for (let from = at; from < raw.length; from++) bytes[to++] = raw[from] ?? 0;
  return bytes;
}
