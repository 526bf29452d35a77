// Synthesis by precedence.
import type { Participant } from '../../protocol/types.gen.ts';
import type { Answer, Question } from './questions.ts';

/** What the first of the specialists says who says anything; each is the id of an agent or the role of participants. */
export function firstSpecialist(
  { answers }: Question,
  specialists: readonly string[],
  participants: readonly Participant[],
): Answer | undefined {
  const roles = new Map(participants.map(({ agent_id, role }) => [agent_id, role]));
  for (const specialist of specialists) {
    const answer = answers.find(({ agent_id }) => agent_id === specialist || roles.get(agent_id) === specialist);
    if (answer) return answer;
  }
  return undefined;
}
