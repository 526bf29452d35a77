// The executive summary as a text for people.
import type { Narrative, SessionSummary, TaskSummary } from '../../protocol/types.gen.ts';
import { taskStatuses } from '../session/tasks.ts';
import { decisionSections } from './markdown-decisions.ts';
import { narrativeSection } from './markdown-narrative.ts';
import { code, count, duration, inline, json, names, section, stepLabel, table } from './markdown-text.ts';

/** CommonMark with tables; the same text for the same summary. Prose about it stands at the end. */
export function summaryMarkdown(summary: SessionSummary, narrative?: Narrative): string {
  const { steps, agents } = summary;
  return `${[
    `# ${inline(summary.name)}`,
    headline(summary),
    summary.outcome?.summary === undefined ? '' : `> ${inline(summary.outcome.summary)}`,
    facts(summary),
    steps.length > 0 ? `## Steps\n\n${stepTable(summary)}` : '',
    agents.length > 0 ? `## Agents\n\n${agentTable(summary)}` : '',
    ...decisionSections(summary),
    section('Fallbacks', summary.fallbacks.map(fallbackLine)),
    section('Failed work', summary.failed.map(taskBlock)),
    section('Open work', summary.open.map(taskBlock)),
    section('Cancelled work', summary.cancelled.map(taskBlock)),
    section(
      'Artifacts',
      summary.artifacts.map((one) => `- ${inline(typeof one === 'string' ? one : json(one))}`),
    ),
    outcomeSection(summary),
    narrative ? narrativeSection(narrative) : '',
  ]
    .filter((part) => part !== '')
    .join('\n\n')}\n`;
}

/** What to know if one reads no further. */
function headline({ state, duration_ms, tasks, conflicts, decisions }: SessionSummary): string {
  const total = taskStatuses.reduce((sum, status) => sum + tasks[status], 0);
  const others = taskStatuses.filter((status) => status !== 'completed' && tasks[status] > 0);
  const counts = [
    `${tasks.completed} of ${count(total, 'task')} completed`,
    ...others.map((status) => `${tasks[status]} ${inline(status)}`),
  ];
  const undecided = decisions.filter(({ verdict }) => verdict === 'undecided').length;
  const disagreement =
    conflicts.length === 0
      ? 'No results contradict each other.'
      : `${count(conflicts.length, 'conflict')} between results, ${count(undecided, 'decision')} left to make.`;
  const subject = { active: 'Active for', completed: 'Completed after', terminated: 'Terminated after' }[state];
  return `${subject} ${duration(duration_ms)}: ${counts.join(', ')}. ${disagreement}`;
}

function facts(summary: SessionSummary): string {
  return table(
    ['Fact', 'Value'],
    [
      ['Session', inline(summary.session_id)],
      ['State', summary.state],
      ['Created', summary.created_at],
      ...(summary.ended_at === undefined ? [] : [['Ended', summary.ended_at]]),
      ['Retries', String(summary.retries)],
      ['Fallbacks', String(summary.fallbacks.length)],
      ['Synthesis', summary.synthesis.strategy],
    ],
  );
}

function completedOf(tasks: SessionSummary['tasks']): string {
  return `${tasks.completed} of ${taskStatuses.reduce((sum, status) => sum + tasks[status], 0)}`;
}

function stepTable({ steps }: SessionSummary): string {
  return table(
    ['Step', 'State', 'Tasks completed', 'Agents', 'Duration', 'Retries'],
    steps.map(({ step, state, tasks, agents, duration_ms, retries }) => [
      stepLabel(step),
      state,
      completedOf(tasks),
      names(agents),
      duration_ms === null ? '-' : duration(duration_ms),
      String(retries),
    ]),
  );
}

function agentTable({ agents }: SessionSummary): string {
  return table(
    ['Agent', 'Role', 'Tasks completed', 'Time at work', 'Retries'],
    agents.map(({ agent_id, role, tasks, working_ms, retries }) => [
      inline(agent_id),
      role === null ? '-' : inline(role),
      completedOf(tasks),
      duration(working_ms),
      String(retries),
    ]),
  );
}

function fallbackLine({ task_id, step, from, to, reason }: SessionSummary['fallbacks'][number]): string {
  return `- ${stepLabel(step)}, ${inline(task_id)}: from ${inline(from)} to ${inline(to)} (${inline(reason)})`;
}

function taskBlock({ step, task_type, agent_id, task_id, status, duration_ms, error }: TaskSummary): string {
  const time = duration_ms === null ? '' : ` after ${duration(duration_ms)}`;
  const line = `- ${stepLabel(step)}, ${inline(task_type)}: ${inline(agent_id)} (${inline(task_id)}), ${inline(status)}${time}`;
  return error === undefined ? line : `${line}\n\n${code(error)}\n`;
}

function outcomeSection({ outcome }: SessionSummary): string {
  return section('Outcome', [
    ...(outcome?.reason === undefined ? [] : [`- Reason: ${inline(outcome.reason)}`]),
    ...(outcome?.details === undefined ? [] : [`- Details:\n\n${code(outcome.details)}`]),
  ]);
}
