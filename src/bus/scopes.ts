// What a credential may do at all, whoever it is for.
import { allows } from '../core/keys/grant.ts';
import { BusError } from '../protocol/errors.ts';
import type { Scope } from '../protocol/types.gen.ts';
import type { Principal } from './identity.ts';

/** @throws BusError FORBIDDEN */
export function assertScope(principal: Principal, scope: Scope): void {
  if (!allows(principal, scope)) {
    throw new BusError('FORBIDDEN', `This needs the scope ${scope}, which this key has not; use another key.`);
  }
}
