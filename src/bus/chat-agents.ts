// Chats with agents of the bus: each asks under an id of its own, for the user of its session, and reads nothing but replies.
import type { MailboxStore } from '../ports/mailbox-store.ts';
import type { NewId } from '../protocol/ids.ts';
import type { AnyReceipt } from '../protocol/types.gen.ts';
import type { AskableAgents } from './agent-answers.ts';
import type { AgentDirectory } from './agents.ts';
import type { Counters } from './counters.ts';
import type { Principal } from './identity.ts';
import type { Sending } from './message-intake.ts';
import { assertNotReserved } from './reserved-ids.ts';
import type { SessionManager } from './session-manager.ts';

export interface ChatAgentsDeps {
  agents: AgentDirectory;
  sessions: SessionManager;
  send: (sending: Sending) => Promise<AnyReceipt>;
}

export function createChatAgents({ agents, sessions, send }: ChatAgentsDeps): AskableAgents {
  const userOf = (sessionId: string) => sessions.userOf(sessionId) ?? undefined;
  return {
    assertAskable(sessionId, agentId) {
      assertNotReserved(agentId);
      agents.assertNotOfOthers(agentId, userOf(sessionId));
    },
    ask(sessionId, envelope, signal) {
      const { agent_id: agentId } = envelope.sender;
      const userId = userOf(sessionId);
      const own: Principal = { id: 'chat', workspaceId: sessions.workspaceId, agentId, isChat: true };
      return send({ envelope, signal, principal: userId === undefined ? own : { ...own, userId } });
    },
  };
}

export interface ChatMailDeps {
  mailboxes: MailboxStore;
  counters: Counters;
  newId: NewId;
}

/** Until the mail is settled; what a crash leaves comes back by then. */
const leaseMs = 10_000;

/**
 * Settles what lies in the mailbox of a chat: late answers, and what else agents tell it. The session has it on record,
 * and nobody comes to read it.
 */
export function createChatMail({ mailboxes, counters, newId }: ChatMailDeps) {
  return async (agentId: string): Promise<void> => {
    const consumer = { agentId, door: 'http' as const, connectionId: newId('conn') };
    // Many large messages are taken in turns.
    for (;;) {
      const offers = await mailboxes.take(agentId, mailboxes.stats(agentId).queued, leaseMs, consumer);
      if (offers.length === 0) return;
      counters.offered += offers.length;
      const ids = offers.map(({ messageId }) => messageId);
      const settled = await mailboxes.ack(agentId, ids);
      counters.acknowledged += settled.filter((status) => status === 'acknowledged').length;
    }
  };
}
