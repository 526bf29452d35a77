// Decides whose mailbox a message goes to.

export interface Candidate {
  agentId: string;
  /** It may receive mail: registered, connected, or in a session. */
  known: boolean;
  online: boolean;
  /** Milliseconds since it was last online; Infinity where it never was. */
  offlineForMs: number;
}

interface WayTo {
  agentId: string;
  /** Fallbacks that remain for later failures. */
  fallbacks: string[];
}

/** To the agent that was addressed, or to one that has the capability: then `routedBy` says so. */
interface DirectRoute extends WayTo {
  routedBy?: string;
  isFallback?: never;
}

export interface FallbackRoute extends WayTo {
  /** Why it is not the addressed agent. */
  routedBy: string;
  isFallback: true;
}

export type Route = DirectRoute | FallbackRoute;

/**
 * The addressed agent, unless it is unknown, or offline longer than the grace while a fallback is online.
 * `undefined`: nobody of them is known.
 */
export function routeToAgent(
  addressed: Candidate,
  fallbacks: readonly Candidate[],
  offlineGraceMs: number,
): Route | undefined {
  const known = fallbacks.filter((fallback) => fallback.known);
  const online = known.find((fallback) => fallback.online);
  if (addressed.known && (addressed.online || addressed.offlineForMs <= offlineGraceMs || !online)) {
    return { agentId: addressed.agentId, fallbacks: known.map(({ agentId }) => agentId) };
  }
  const chosen = online ?? known[0];
  if (!chosen) return undefined;
  const why = addressed.known ? `has been offline for more than ${offlineGraceMs} ms` : 'is not known';
  return {
    agentId: chosen.agentId,
    routedBy: `fallback: ${addressed.agentId} ${why}`,
    isFallback: true,
    fallbacks: known.filter((fallback) => fallback !== chosen).map(({ agentId }) => agentId),
  };
}

/** Picks the next fallback after the message failed where it was: an online one first, else the first known. */
export function nextFallback(fallbacks: readonly Candidate[], reason: string): FallbackRoute | undefined {
  const known = fallbacks.filter((fallback) => fallback.known);
  const chosen = known.find((fallback) => fallback.online) ?? known[0];
  if (!chosen) return undefined;
  return {
    agentId: chosen.agentId,
    routedBy: `fallback: ${reason}`,
    isFallback: true,
    fallbacks: known.filter((fallback) => fallback !== chosen).map(({ agentId }) => agentId),
  };
}
