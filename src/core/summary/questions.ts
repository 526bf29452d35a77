// What agents were asked in common, and who says what to it.

import { isChatAgent } from '../../protocol/ids.ts';
import type { AgentId, Position, StepName, Task, TaskId } from '../../protocol/types.gen.ts';
import { equalJson } from '../json/equal.ts';
import { askedAgent } from '../session/tasks.ts';
import { contentOf, fieldsOf, valueIn } from './content.ts';

export interface Answer {
  /** Who was asked, also where a fallback has answered. */
  readonly agent_id: AgentId;
  readonly task_id: TaskId;
  readonly result: unknown;
  readonly content: unknown;
}

/** One kind of work in one step. */
export interface Question {
  readonly step: StepName | null;
  readonly task_type: string;
  /** Of each agent the one that it was asked for last. */
  readonly answers: readonly Answer[];
}

/** One value and all who hold it, the first one first. */
export interface Stance {
  readonly value: unknown;
  readonly holders: readonly [Answer, ...Answer[]];
}

export function answerOf(task: Task): Answer {
  const { task_id, result } = task;
  return { agent_id: askedAgent(task), task_id, result, content: contentOf(result) };
}

export function questionKey({ step, task_type }: Pick<Task, 'step' | 'task_type'>): string {
  return JSON.stringify([step, task_type]);
}

/** Whether it answers a question: it is completed, and what was said in chats was not asked in common. */
export function isAnswer({ status, delegator }: Task): boolean {
  return status === 'completed' && !isChatAgent(delegator);
}

/** In the order in which they were first asked. */
export function questionsOf(tasks: readonly Task[]): Question[] {
  const asked = new Map<string, { step: StepName | null; task_type: string; byAgent: Map<AgentId, Answer> }>();
  for (const task of tasks) {
    if (!isAnswer(task)) continue;
    const { step, task_type } = task;
    const answer = answerOf(task);
    const question = asked.get(questionKey(task)) ?? { step, task_type, byAgent: new Map<AgentId, Answer>() };
    // It takes its new place among the others.
    question.byAgent.delete(answer.agent_id);
    question.byAgent.set(answer.agent_id, answer);
    asked.set(questionKey(task), question);
  }
  return [...asked.values()].map(({ byAgent, ...question }) => ({ ...question, answers: [...byAgent.values()] }));
}

/** The fields in which answers can differ; the whole (`null`) where one of them is no object. */
export function partsOf(answers: readonly Answer[]): readonly (string | null)[] {
  return fieldsOf(answers.map(({ content }) => content)) ?? [null];
}

/** The values that are given to a part, in the order in which they were first said. */
export function stancesOn(answers: readonly Answer[], part: string | null): Stance[] {
  const stances: { value: unknown; holders: [Answer, ...Answer[]] }[] = [];
  for (const answer of answers) {
    const value = valueIn(answer.content, part);
    if (value === undefined) continue;
    const same = stances.find((stance) => equalJson(stance.value, value));
    if (same) same.holders.push(answer);
    else stances.push({ value, holders: [answer] });
  }
  return stances;
}

/** Without the value: whoever shows it looks it up in the first task. */
export function positionOf({ holders }: Stance): Position {
  return { said_by: holders.map(({ agent_id, task_id }) => ({ agent_id, task_id })) };
}
