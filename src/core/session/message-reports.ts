// What the bus reports of the messages of a session: too late or about nothing known is no one's mistake.
import type { AgentId, MessageId, TaskRetriedData, Timestamp } from '../../protocol/types.gen.ts';
import type { CommandHeader } from './command-header.ts';

/** The message of a task of this session goes on to another agent. */
export interface ReassignTaskCommand extends CommandHeader {
  type: 'reassign_task';
  message_id: MessageId;
  delegatee: AgentId;
  reason: string;
  deadline: Timestamp;
  fallback_agents: AgentId[];
}

/** An attempt to deliver a message of this session failed, and another one is due. */
export interface ReportRetryCommand extends CommandHeader {
  type: 'report_retry';
  message_id: MessageId;
  outcome: TaskRetriedData['outcome'];
  reason?: string;
}

/** A message of this session became a dead letter. */
export interface ReportDeadMessageCommand extends CommandHeader {
  type: 'report_dead_message';
  message_id: MessageId;
  reason: string;
}

/** Messages of this session for an agent that left it became dead letters. */
export interface ReportWithdrawnMessagesCommand extends CommandHeader {
  type: 'report_withdrawn_messages';
  agent_id: AgentId;
  message_ids: MessageId[];
}
