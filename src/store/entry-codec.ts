// The stored form of messages and their facts: binary, for there is one for each message that ever was.
import type { MessageFacts, NewMessage } from '../ports/mailbox-store.ts';
import type { Priority } from '../protocol/types.gen.ts';
import type { ByteReader, ByteWriter } from './byte-writer.ts';
import type { EntryRecord, StoredAttempt } from './entry-record.ts';
import { sayMore } from './facts.ts';

// What a number stands for on disk: append only.
const priorities: readonly Priority[] = ['low', 'medium', 'high', 'critical'];
const backoffs: readonly NewMessage['retry']['backoff'][] = ['linear', 'exponential'];
const states: readonly EntryRecord['state'][] = ['ready', 'leased', 'waiting', 'held', 'acknowledged', 'dead'];
const doors: readonly StoredAttempt['by']['door'][] = ['websocket', 'http'];
const outcomes: readonly StoredAttempt['outcome'][] = [
  'open',
  'acked',
  'nacked',
  'lease_expired',
  'disconnected',
  'interrupted',
];

/** Everything of a message but its bytes. */
export type MessageHead = Omit<NewMessage, 'bytes'>;

export function writeHead(out: ByteWriter, head: MessageHead): void {
  out.text(head.messageId);
  out.text(head.mailbox);
  out.u8(priorities.indexOf(head.priority));
  out.f64(head.acceptedAt);
  out.f64(head.deadline);
  out.u8(head.retry.maxRetries);
  out.u8(backoffs.indexOf(head.retry.backoff));
  writeFacts(out, head.facts);
}

export function readHead(input: ByteReader): MessageHead {
  return {
    messageId: input.text(),
    mailbox: input.text(),
    priority: nth(priorities, input.u8()),
    acceptedAt: input.f64(),
    deadline: input.f64(),
    retry: { maxRetries: input.u8(), backoff: nth(backoffs, input.u8()) },
    facts: readFacts(input),
  };
}

/** Most messages have a sender and a type only; what others have beside them is JSON. */
function writeFacts(out: ByteWriter, facts: MessageFacts): void {
  out.text(facts.sender);
  out.text(facts.messageType);
  out.text(sayMore(facts) ? moreOf(facts) : '');
}

function moreOf({ sender: _sender, messageType: _type, ...more }: MessageFacts): string {
  return JSON.stringify(more);
}

function readFacts(input: ByteReader): MessageFacts {
  const facts = { sender: input.text(), messageType: input.text() };
  const more = input.text();
  return more === '' ? facts : { ...facts, ...(JSON.parse(more) as Partial<MessageFacts>) };
}

export function writeEntry(out: ByteWriter, record: EntryRecord): void {
  writeHead(out, record);
  out.f64(record.seq);
  out.u8(states.indexOf(record.state));
  out.u32(record.failures);
  out.f64(record.leaseEndsAt);
  out.f64(record.retryAt);
  out.f64(record.settledAt);
  out.text(record.reason ?? '');
  out.f64(record.position);
  out.u32(record.size);
  out.f64(record.asOf);
  out.u32(record.attemptsLeftOut);
  out.u32(record.attempts.length);
  for (const attempt of record.attempts) writeAttempt(out, attempt);
  out.u32(record.attemptsElsewhere);
}

export function readEntry(input: ByteReader): EntryRecord {
  return {
    ...readHead(input),
    seq: input.f64(),
    state: nth(states, input.u8()),
    failures: input.u32(),
    leaseEndsAt: input.optionalF64(),
    retryAt: input.optionalF64(),
    settledAt: input.optionalF64(),
    reason: input.text() || undefined,
    position: input.f64(),
    size: input.u32(),
    asOf: input.f64(),
    attemptsLeftOut: input.u32(),
    attempts: Array.from({ length: input.u32() }, () => readAttempt(input)),
    // What was written before there was such a count ends here.
    attemptsElsewhere: input.isAtEnd ? 0 : input.u32(),
  };
}

function writeAttempt(out: ByteWriter, { by, offeredAt, outcome, endedAt, reason }: StoredAttempt): void {
  out.text(by.agentId);
  out.u8(doors.indexOf(by.door));
  out.text(by.connectionId);
  out.f64(offeredAt);
  out.u8(outcomes.indexOf(outcome));
  out.f64(endedAt);
  out.text(reason ?? '');
}

function readAttempt(input: ByteReader): StoredAttempt {
  return {
    by: { agentId: input.text(), door: nth(doors, input.u8()), connectionId: input.text() },
    offeredAt: input.f64(),
    outcome: nth(outcomes, input.u8()),
    endedAt: input.optionalF64(),
    reason: input.text() || undefined,
  };
}

function nth<T>(names: readonly T[], index: number): T {
  const name = names[index];
  if (name === undefined) throw new RangeError(`no name has the number ${index}`);
  return name;
}
