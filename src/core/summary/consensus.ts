// Synthesis by majority.
import { type Answer, type Question, stancesOn } from './questions.ts';

/** What more than half of the agents say, word for word; undefined where no result has so many. */
export function majority({ answers }: Question): Answer | undefined {
  return stancesOn(answers, null).find(({ holders }) => holders.length * 2 > answers.length)?.holders[0];
}
