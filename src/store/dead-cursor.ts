// Where a page of dead letters ends: at a death, whatever becomes of that message meanwhile.
import { BusError } from '../protocol/errors.ts';
import type { InstantRow } from './shelf.ts';

/** `<instant>.<id>` */
export function cursorAt([diedAt, id]: InstantRow): string {
  return `${diedAt}.${id}`;
}

/** @throws BusError VALIDATION_FAILED */
export function deathAt(cursor: string): InstantRow {
  const dot = cursor.indexOf('.');
  const diedAt = Number(cursor.slice(0, dot));
  if (dot < 1 || !Number.isSafeInteger(diedAt)) {
    throw new BusError('VALIDATION_FAILED', 'after: must be the `next` of an earlier page.');
  }
  return [diedAt, cursor.slice(dot + 1)];
}
