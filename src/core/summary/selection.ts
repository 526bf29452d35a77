// Synthesis by hand: the results that somebody has chosen.
import type { Task, TaskId } from '../../protocol/types.gen.ts';
import { invalid } from '../session/names.ts';
import { type Answer, answerOf, isAnswer, questionKey } from './questions.ts';

/** By question. @throws BusError VALIDATION_FAILED for what answers none, and for two to one question */
export function selectedAnswers(tasks: readonly Task[], selection: readonly TaskId[]): ReadonlyMap<string, Answer> {
  const byId = new Map(tasks.map((task) => [task.task_id, task]));
  const selected = new Map<string, Answer>();
  for (const id of new Set(selection)) {
    const task = byId.get(id);
    if (!task || !isAnswer(task)) {
      throw invalid('synthesis.selection', `names ${id}, which is no completed task, or one of a chat`);
    }
    const key = questionKey(task);
    const other = selected.get(key);
    if (other) throw invalid('synthesis.selection', `names ${other.task_id} and ${id} for the same work; choose one`);
    selected.set(key, answerOf(task));
  }
  return selected;
}
