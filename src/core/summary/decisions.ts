// What the results of one kind of work in one step come to, by the strategy that was asked for.
import type { Decision, FieldDecision, Participant, SynthesisOptions, Task } from '../../protocol/types.gen.ts';
import { equalJson } from '../json/equal.ts';
import { heaviestWhole, weighField } from './confidence.ts';
import { majority } from './consensus.ts';
import { type Answer, partsOf, type Question, questionKey, questionsOf, stancesOn } from './questions.ts';
import { selectedAnswers } from './selection.ts';
import { firstSpecialist } from './specialist.ts';

/**
 * One for every kind of work in every step that has results, without their values.
 * @throws BusError VALIDATION_FAILED for a selection that does not fit the tasks
 */
export function decisionsOn(
  tasks: readonly Task[],
  participants: readonly Participant[],
  { strategy, specialists = [], selection = [] }: SynthesisOptions,
): Decision[] {
  const selected = selectedAnswers(tasks, selection);
  return questionsOf(tasks).map((question) => {
    const chosen = selected.get(questionKey(question));
    if (chosen) return wholeDecision(question, chosen);
    const agreed = agreedOn(question);
    if (agreed) return agreed;
    if (strategy === 'confidence') return weighedDecision(question);
    if (strategy === 'consensus') return wholeDecision(question, majority(question));
    return wholeDecision(question, firstSpecialist(question, specialists, participants));
  });
}

/** All say the same, or each says something of its own; undefined where they contradict each other. */
function agreedOn(question: Question): Decision | undefined {
  const [whole, ...others] = stancesOn(question.answers, null);
  if (whole && others.length === 0) return { ...wholeDecision(question, whole.holders[0]), verdict: 'unanimous' };
  const fields: FieldDecision[] = [];
  for (const part of partsOf(question.answers)) {
    const [stance, ...rest] = stancesOn(question.answers, part);
    if (part === null || !stance || rest.length > 0) return undefined;
    const supporters = stance.holders.map(({ agent_id }) => agent_id);
    const { task_id } = stance.holders[0];
    fields.push({ field: part, verdict: 'unanimous', task_id, supporters, dissenters: [] });
  }
  return { ...fieldsDecision(question, fields), verdict: 'unanimous' };
}

function weighedDecision(question: Question): Decision {
  const fields: FieldDecision[] = [];
  for (const part of partsOf(question.answers)) {
    if (part === null) return wholeDecision(question, heaviestWhole(question));
    fields.push(weighField(question, part));
  }
  return fieldsDecision(question, fields);
}

/** Undecided where there is no choice. */
function wholeDecision({ step, task_type, answers }: Question, chosen: Answer | undefined): Decision {
  if (!chosen) return { step, task_type, verdict: 'undecided', supporters: [], dissenters: [] };
  const isSame = ({ content }: Answer): boolean => equalJson(content, chosen.content);
  return { step, task_type, verdict: 'decided', task_id: chosen.task_id, ...sides(answers, isSame) };
}

function fieldsDecision({ step, task_type, answers }: Question, fields: FieldDecision[]): Decision {
  const verdict = fields.some((field) => field.verdict === 'undecided') ? 'undecided' : 'decided';
  // Who has another value in one field is against the whole.
  const outvoted = new Set(fields.flatMap((field) => (field.verdict === 'undecided' ? [] : field.dissenters)));
  return { step, task_type, verdict, ...sides(answers, ({ agent_id }) => !outvoted.has(agent_id)), fields };
}

function sides(answers: readonly Answer[], supports: (answer: Answer) => boolean) {
  const agents = (side: readonly Answer[]) => side.map(({ agent_id }) => agent_id);
  return {
    supporters: agents(answers.filter(supports)),
    dissenters: agents(answers.filter((answer) => !supports(answer))),
  };
}
