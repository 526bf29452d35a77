import { describe, expect, it } from 'vitest';
import { BusError } from '../../src/protocol/errors.ts';

describe('an error of the bus', () => {
  it('says where it was made if it is a fault, and not if it is a refusal: a thousand of those must cost little', () => {
    expect(new BusError('MESSAGE_NOT_FOUND', 'There is no message m1.').stack).not.toContain('\n    at ');
    expect(new BusError('INTERNAL', 'The bus failed.').stack).toContain('errors.test.ts');
    expect(new Error('Another one.').stack).toContain('errors.test.ts');
  });
});
