// Envelopes on their way into the bus, and what their senders are told.
import { operator } from '../../src/bus/identity.ts';
import type { CompleteEnvelope, Envelope, Priority } from '../../src/protocol/types.gen.ts';
import type { Random } from './random.ts';
import type { Server, World } from './world.ts';

/** An envelope that can be sent again, word for word. */
export interface Letter {
  id: string;
  envelope: Envelope;
  raw: Buffer | undefined;
  timeoutMs: number;
}

const defaultTimeoutMs = 300_000;
const longestDelayMs = 30_000;

function letterOf(id: string, envelope: Envelope, isComplete: boolean, timeoutMs = defaultTimeoutMs): Letter {
  return { id, envelope, raw: isComplete ? Buffer.from(JSON.stringify(envelope)) : undefined, timeoutMs };
}

/** A new envelope of a sender. */
export function newLetter(world: World, sender: string, random: Random): Letter {
  const { profile } = world;
  const id = world.newId('m');
  const agents = world.agentIds;
  const addressed = random.pick(agents) ?? sender;
  const others = agents.filter((agent) => agent !== addressed);
  const timeoutS = random.chance(0.3) ? random.between(1, profile.longestTimeoutS) : profile.longestTimeoutS;
  const isComplete = random.chance(0.5);
  const isRequest = random.chance(0.6);
  const sync = isRequest && world.has('sync') && random.chance(0.3);
  const fallbacks = world.has('fallbacks') && random.chance(0.5) ? others.slice(0, random.between(0, 3)) : [];
  const delayMs =
    world.has('delays') && random.chance(0.2) ? random.between(1, Math.min(timeoutS * 900, longestDelayMs)) : undefined;
  const session = world.has('sessions') && random.chance(0.6) ? random.pick(world.sessionIds) : undefined;
  const priority = random.pick<Priority>(['low', 'medium', 'medium', 'high', 'critical']);
  const framework = (agent: string): string => agent.slice(0, agent.indexOf(':'));
  const envelope: Envelope = {
    message_id: id,
    ...(isComplete && { timestamp: new Date(world.scheduler.now).toISOString() }),
    sender: {
      agent_id: sender,
      ...(isComplete && { framework: framework(sender) }),
      ...(session !== undefined && { session_id: session }),
    },
    recipient: { agent_id: addressed, ...(isComplete && { framework: framework(addressed) }) },
    message_type: isRequest ? 'task_request' : 'status_update',
    priority,
    payload: { of: id, version: 1, padding: 'x'.repeat(random.between(0, profile.payloadBytes)) },
    routing: {
      timeout: `${timeoutS}s`,
      retry_policy: { max_retries: random.between(0, 3), backoff: random.pick(['linear', 'exponential']) },
      ...(delayMs !== undefined && { deliver_after: `${delayMs}ms` }),
      ...(fallbacks.length > 0 && { fallback_agents: fallbacks as [string] }),
      delivery_mode: sync ? 'sync' : 'async',
    },
  };
  return letterOf(id, envelope, isComplete, timeoutS * 1_000);
}

/** The same id with other content. */
export function altered({ id, envelope, timeoutMs, raw }: Letter): Letter {
  return letterOf(id, { ...envelope, payload: { of: id, version: 2 } }, raw !== undefined, timeoutMs);
}

export function replyTo(world: World, agent: string, request: CompleteEnvelope, random: Random): Letter {
  const id = world.newId('r');
  const { session_id } = request.sender;
  const isNamed = session_id === undefined || random.chance(0.6);
  return letterOf(
    id,
    {
      message_id: id,
      sender: { agent_id: agent, ...(session_id !== undefined && { session_id }) },
      recipient: { agent_id: request.sender.agent_id },
      message_type: random.chance(0.85) ? 'task_response' : 'error',
      payload: { answers: request.message_id },
      ...(isNamed && { metadata: { in_reply_to: request.message_id } }),
    },
    false,
  );
}

/** Sends it, and tells the model what comes back. */
export function transmit(world: World, server: Server, { id, envelope, raw, timeoutMs }: Letter): void {
  const { senders, receivers } = world;
  const { recipient, sender, routing, metadata } = envelope;
  world.tell(`${sender.agent_id} sends ${id} to ${recipient.agent_id}${describe(envelope)}`);
  const sent = senders.sending(id, { envelope, raw, timeoutMs });
  const { session_id } = sender;
  const isUnnamed = metadata?.in_reply_to === undefined && recipient.agent_id !== undefined;
  if (envelope.message_type !== 'task_request' && session_id !== undefined && isUnnamed) {
    receivers.answeringAny(recipient.agent_id, session_id);
  }
  const isSync = routing?.delivery_mode === 'sync';
  if (isSync) senders.awaiting(id);
  const signal = isSync ? server.closing.signal : undefined;
  server.workspace.messages.send({ envelope, raw, principal: operator, signal }).then(
    (receipt) => {
      if (!('recipient' in receipt)) throw new Error(`${id} has the receipt of a broadcast`);
      world.tell(`${id} is accepted${receipt.duplicate ? ', a repeat' : ''}${receipt.reply ? ', and answered' : ''}`);
      senders.receipt(id, sent, receipt);
    },
    (error: unknown) => {
      world.tell(`${id} is refused: ${(error as { code?: string }).code ?? String(error)}`);
      senders.refused(id, sent, error);
    },
  );
}

function describe({ priority = 'medium', message_type, sender, routing, metadata }: Envelope): string {
  const parts: string[] = [priority, message_type];
  if (sender.session_id) parts.push(`in ${sender.session_id}`);
  if (routing?.timeout) parts.push(`timeout ${routing.timeout}`);
  if (routing?.delivery_mode === 'sync') parts.push('sync');
  if (routing?.fallback_agents) parts.push(`else to ${routing.fallback_agents.join(', ')}`);
  if (metadata?.in_reply_to) parts.push(`in reply to ${metadata.in_reply_to}`);
  return ` (${parts.join(', ')})`;
}
