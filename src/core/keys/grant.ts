// How far a credential reaches, and that nobody hands on more than they have.
import { BusError } from '../../protocol/errors.ts';
import type { Scope } from '../../protocol/types.gen.ts';

/** What is absent is not limited. */
export interface Grant {
  readonly workspaceId?: string;
  readonly userId?: string;
  readonly agentId?: string;
  readonly scopes?: readonly Scope[];
  /** Milliseconds since the epoch. */
  readonly expiresAt?: number;
}

/** What an agent needs; also what a key is for where it says nothing else. */
export const agentScopes: readonly Scope[] = ['send', 'receive', 'sessions'];

/** What of `scopes` the grant has. */
export function scopesWithin(grant: Grant, scopes: readonly Scope[]): Scope[] {
  return scopes.filter((scope) => allows(grant, scope));
}

export function allows({ scopes }: Grant, scope: Scope): boolean {
  return scopes === undefined || scopes.includes(scope);
}

/** Whether whoever has `grant` may see and end what reaches as far as `other`. */
export function covers(grant: Grant, other: Grant): boolean {
  return (
    (grant.workspaceId === undefined || grant.workspaceId === other.workspaceId) &&
    (grant.userId === undefined || grant.userId === other.userId) &&
    (grant.agentId === undefined || grant.agentId === other.agentId)
  );
}

/**
 * What may be handed on of `giver`, as far as `asked` says; the rest is as with the giver.
 * @throws BusError FORBIDDEN where more is asked for than the giver has
 */
export function narrow<T extends Grant & { scopes: readonly Scope[] }>(giver: Grant, asked: T): T {
  const granted = { ...asked, ...limits(giver, asked) };
  assertWithin(giver, granted);
  return granted;
}

/** As it stands: what has no end is for longer than a giver who ends. @throws BusError FORBIDDEN for more than the giver has */
export function assertWithin(giver: Grant, granted: Grant & { scopes: readonly Scope[] }): void {
  if (!covers(giver, granted)) {
    throw forbidden('This key is for one workspace, user or agent; leave those out or name the same.');
  }
  const tooMuch = granted.scopes.find((scope) => !allows(giver, scope));
  if (tooMuch !== undefined) throw forbidden(`This key has no scope ${tooMuch} to hand on; ask for fewer scopes.`);
  if (giver.expiresAt !== undefined && (granted.expiresAt ?? Number.POSITIVE_INFINITY) > giver.expiresAt) {
    throw forbidden(`This key ends at ${new Date(giver.expiresAt).toISOString()}; hand on nothing that ends later.`);
  }
}

/** The limits of the giver that `asked` leaves out. */
function limits(giver: Grant, asked: Grant): Grant {
  const { workspaceId = giver.workspaceId, userId = giver.userId, agentId = giver.agentId } = asked;
  const { expiresAt = giver.expiresAt } = asked;
  return {
    ...(workspaceId !== undefined && { workspaceId }),
    ...(userId !== undefined && { userId }),
    ...(agentId !== undefined && { agentId }),
    ...(expiresAt !== undefined && { expiresAt }),
  };
}

function forbidden(message: string): BusError {
  return new BusError('FORBIDDEN', message);
}
