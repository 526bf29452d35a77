// An envelope as bytes, where it does not travel as it came.
import { BusError } from '../protocol/errors.ts';
import type { CompleteEnvelope } from '../protocol/types.gen.ts';

/** JSON may be nested deeper than the stack is. @throws BusError VALIDATION_FAILED */
export function encode(envelope: CompleteEnvelope): Buffer {
  try {
    return Buffer.from(JSON.stringify(envelope));
  } catch (cause) {
    throw new BusError('VALIDATION_FAILED', 'The envelope is nested too deeply.', { cause });
  }
}
