// What a socket may say: parsed, checked, and told apart.
import { BusError } from '../protocol/errors.ts';
import type { AckFrame, Envelope, ExtendFrame, NackFrame } from '../protocol/types.gen.ts';
import { assertValid, validationError, validatorOf } from '../schema/registry.ts';
import { parseJson } from './json-body.ts';

export type ClientFrame =
  | { kind: 'envelope'; envelope: Envelope }
  | { kind: 'ack'; messageIds: readonly string[] }
  | { kind: 'nack'; frame: NackFrame }
  | { kind: 'extend'; messageId: string };

const isEnvelope = validatorOf<Envelope>('Envelope');

/** A frame that was refused, with its message id where one could be read. */
export class FrameError extends Error {
  readonly reason: BusError;
  readonly messageId: string | undefined;

  constructor(reason: BusError, messageId: string | undefined) {
    super(reason.message);
    this.reason = reason;
    this.messageId = messageId;
  }
}

/** @throws FrameError */
export function readFrame(data: Buffer): ClientFrame {
  let value: unknown;
  try {
    value = parseJson(data);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new BusError('VALIDATION_FAILED', 'A frame must be a JSON object.');
    }
    return frameOf(value);
  } catch (error) {
    if (error instanceof BusError) throw new FrameError(error, messageIdOf(value));
    throw error;
  }
}

function frameOf(value: unknown): ClientFrame {
  const { type, message_type } = value as { type?: unknown; message_type?: unknown };
  if (message_type !== undefined) {
    if (!isEnvelope(value)) throw validationError('envelope', isEnvelope.errors);
    return { kind: 'envelope', envelope: value };
  }
  switch (type) {
    case 'ack': {
      assertValid<AckFrame>('AckFrame', 'ack frame', value);
      const { message_id, message_ids = [] } = value;
      return { kind: 'ack', messageIds: message_id === undefined ? message_ids : [message_id] };
    }
    case 'nack':
      assertValid<NackFrame>('NackFrame', 'nack frame', value);
      return { kind: 'nack', frame: value };
    case 'extend':
      assertValid<ExtendFrame>('ExtendFrame', 'extend frame', value);
      return { kind: 'extend', messageId: value.message_id };
    default:
      throw new BusError(
        'VALIDATION_FAILED',
        'The frame is neither an envelope (with a message_type) nor of the type ack, nack or extend.',
      );
  }
}

function messageIdOf(value: unknown): string | undefined {
  const id = (value as { message_id?: unknown } | null | undefined)?.message_id;
  return typeof id === 'string' ? id.slice(0, 128) : undefined;
}
