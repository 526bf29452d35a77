// One envelope to all of a session: what it may say, and the copies that it becomes.
import { BusError } from '../../protocol/errors.ts';
import { frameworkOf } from '../../protocol/ids.ts';
import type { BusMetadata, BusStamp, CompleteEnvelope, SessionRecipient } from '../../protocol/types.gen.ts';

/** An envelope whose recipient is a session; its sender speaks in that session. */
export type Broadcast = CompleteEnvelope & { recipient: SessionRecipient };

/** @throws BusError VALIDATION_FAILED for what cannot be said to many. */
export function assertBroadcast(envelope: CompleteEnvelope): asserts envelope is Broadcast {
  const { sender, recipient, routing, message_type, metadata } = envelope;
  if (message_type === 'heartbeat') throw refusal('/message_type', 'A heartbeat goes to one agent, not to a session.');
  if (sender.session_id !== recipient.session_id) {
    throw refusal('/sender/session_id', 'A broadcast goes to the session that its sender speaks in; leave it out.');
  }
  if (routing.delivery_mode === 'sync') {
    throw refusal('/routing/delivery_mode', 'A broadcast has no single reply to wait for; send it async.');
  }
  if (routing.fallback_agents !== undefined) {
    throw refusal(
      '/routing/fallback_agents',
      'A broadcast takes no fallback agents: every recipient has its own copy.',
    );
  }
  if (message_type === 'task_request' && metadata?.task_id !== undefined) {
    throw refusal('/metadata/task_id', 'A broadcast request makes a task for each recipient; leave the task id out.');
  }
}

/** Says who was sought: `every other participant of sess_1 with the role reviewer`. */
export function audienceOf({ session_id, role, framework }: SessionRecipient): string {
  const narrower = [role && `the role ${role}`, framework && `the framework ${framework}`].filter(Boolean);
  return [`every other participant of ${session_id}`, ...narrower].join(' with ');
}

/** The copy for one recipient. */
export function copyFor(broadcast: Broadcast, stamp: BusStamp, agentId: string, messageId: string): CompleteEnvelope {
  const { message_id: broadcast_id, recipient, metadata } = broadcast;
  const bus: BusMetadata = { ...stamp, addressed_to: recipient, routed_by: `broadcast: ${audienceOf(recipient)}` };
  return {
    ...broadcast,
    message_id: messageId,
    recipient: { agent_id: agentId, framework: frameworkOf(agentId) },
    metadata: { ...metadata, broadcast_id, bus },
  };
}

function refusal(path: string, message: string): BusError {
  return new BusError('VALIDATION_FAILED', message, { details: [{ path, message }] });
}
