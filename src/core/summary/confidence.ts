// Synthesis by confidence: of each field the value that has the most of it behind it.
import type { FieldDecision } from '../../protocol/types.gen.ts';
import { confidenceIn, confidenceOf } from './content.ts';
import { type Answer, type Question, type Stance, stancesOn } from './questions.ts';

interface Weighed {
  readonly stance: Stance;
  /** In millionths. */
  readonly weight: number;
}

/** What the field comes to; undecided where two values have the same weight, or nobody says how sure it is. */
export function weighField({ answers }: Question, field: string): FieldDecision {
  const weighed = weigh(answers, field);
  const total_weight = confidenceOf(weighed.reduce((sum, { weight }) => sum + weight, 0));
  const best = heaviest(weighed);
  const agents = weighed.flatMap(({ stance }) => stance.holders.map(({ agent_id }) => agent_id));
  if (!best) return { field, verdict: 'undecided', supporters: [], dissenters: agents, total_weight };
  const supporters = best.stance.holders.map(({ agent_id }) => agent_id);
  return {
    field,
    verdict: weighed.length === 1 ? 'unanimous' : 'decided',
    task_id: best.stance.holders[0].task_id,
    supporters,
    dissenters: agents.filter((agent) => !supporters.includes(agent)),
    weight: confidenceOf(best.weight),
    total_weight,
  };
}

/** The same for results that can only be compared as wholes. */
export function heaviestWhole({ answers }: Question): Answer | undefined {
  return heaviest(weigh(answers, null))?.stance.holders[0];
}

function weigh(answers: readonly Answer[], part: string | null): Weighed[] {
  return stancesOn(answers, part).map((stance) => ({
    stance,
    weight: stance.holders.reduce((sum, { result }) => sum + confidenceIn(result, part), 0),
  }));
}

function heaviest(weighed: readonly Weighed[]): Weighed | undefined {
  if (weighed.length < 2) return weighed[0];
  const [first, second] = [...weighed].sort((a, b) => b.weight - a.weight);
  return first && second && first.weight > second.weight ? first : undefined;
}
