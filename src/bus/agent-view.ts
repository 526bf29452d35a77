// An agent as the outside sees it.
import type { AgentRecord } from '../ports/agent-store.ts';
import type { MailboxStats } from '../ports/mailbox-store.ts';
import { frameworkOf } from '../protocol/ids.ts';
import type { Agent } from '../protocol/types.gen.ts';

interface Standing extends MailboxStats {
  online: boolean;
  /** Open sockets. */
  connections: number;
  lastSeenAt: string | null;
}

/** Without a record it is known only since it takes part somewhere. */
export function agentView(agentId: string, record: AgentRecord | undefined, standing: Standing): Agent {
  const { capabilities = [], framework, endpoints, metadata } = record?.descriptor ?? {};
  const isList = Array.isArray(capabilities);
  return {
    agent_id: agentId,
    framework: framework ?? frameworkOf(agentId),
    capabilities: isList ? [...capabilities] : Object.keys(capabilities),
    ...(!isList && { capability_details: structuredClone(capabilities) }),
    ...(endpoints && { endpoints: structuredClone(endpoints) }),
    ...(metadata && { metadata: structuredClone(metadata) }),
    ...(record?.userId !== undefined && { user_id: record.userId }),
    ...(record?.healthCheckUrl !== undefined && { health_check_url: record.healthCheckUrl }),
    ...(record?.statusEndpoint !== undefined && { status_endpoint: record.statusEndpoint }),
    ...(record?.contact && { contact: record.contact === 'session' ? 'session' : 'list' }),
    registered: record?.tokens !== undefined,
    online: standing.online,
    connections: standing.connections,
    last_seen_at: standing.lastSeenAt,
    queued: standing.queued,
    in_flight: standing.inFlight,
  };
}
