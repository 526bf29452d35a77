// Where results contradict each other: the same field, or the whole, with different values.
import type { Conflict } from '../../protocol/types.gen.ts';
import { partsOf, positionOf, type Question, stancesOn } from './questions.ts';

/** What one agent says and another leaves open is no conflict. */
export function conflictsOf({ step, task_type, answers }: Question): Conflict[] {
  return partsOf(answers).flatMap((field) => {
    const stances = stancesOn(answers, field);
    return stances.length > 1 ? [{ step, task_type, field, positions: stances.map(positionOf) }] : [];
  });
}
