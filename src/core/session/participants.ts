// Who takes part in a session, and as what.
import { BusError } from '../../protocol/errors.ts';
import { frameworkOf, isChatAgent } from '../../protocol/ids.ts';
import type { AgentId, Participant, ParticipantInput, SessionRecipient, Timestamp } from '../../protocol/types.gen.ts';
import type { CreateSessionCommand } from './commands.ts';

/** What an agent is where nobody said. */
const defaultRole = 'participant';

/** An active participant; the framework is the scheme of its id where none is given. */
export function joining(input: ParticipantInput, at: Timestamp, role = defaultRole): Participant {
  return {
    agent_id: input.agent_id,
    framework: input.framework ?? frameworkOf(input.agent_id),
    role: input.role ?? role,
    status: 'active',
    join_time: at,
  };
}

/**
 * The participants a session starts with: the orchestrator first, whether or not it is in the list.
 * @throws BusError PARTICIPANT_EXISTS, PARTICIPANT_LIMIT
 */
export function firstParticipants(command: CreateSessionCommand): Participant[] {
  const { orchestrator, participants: inputs, at, max_participants } = command;
  const seen = new Set<AgentId>();
  for (const { agent_id } of inputs) {
    if (seen.has(agent_id)) throw existing(agent_id);
    seen.add(agent_id);
  }
  const others = inputs.filter((one) => one.agent_id !== orchestrator).map((input) => joining(input, at));
  if (orchestrator === null) return withinLimit(others, max_participants);
  const listed = inputs.find((one) => one.agent_id === orchestrator);
  const leader = joining({ ...listed, agent_id: orchestrator, role: 'orchestrator' }, at);
  return withinLimit([leader, ...others], max_participants);
}

/** Active participants but one, in the order in which they joined; of a role or framework where one is named. Chats listen to nobody. */
export function othersThan(
  agentId: AgentId,
  participants: readonly Participant[],
  { role, framework }: Pick<SessionRecipient, 'role' | 'framework'>,
): AgentId[] {
  return participants
    .filter((one) => one.status === 'active' && one.agent_id !== agentId && !isChatAgent(one.agent_id))
    .filter(
      (one) => (role === undefined || one.role === role) && (framework === undefined || one.framework === framework),
    )
    .map((one) => one.agent_id);
}

export function existing(agentId: AgentId): BusError {
  return new BusError('PARTICIPANT_EXISTS', `${agentId} takes part already; name each participant once.`);
}

/** @throws BusError PARTICIPANT_LIMIT when more are active than may be */
export function withinLimit(participants: Participant[], limit: number): Participant[] {
  if (participants.filter((one) => one.status === 'active').length <= limit) return participants;
  throw new BusError('PARTICIPANT_LIMIT', `A session takes at most ${limit} active participants; remove one first.`);
}
