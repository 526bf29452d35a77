// The executive summary as a text for people.
import type { SessionSummary, StepSummary, Task, TaskResult } from '../../protocol/types.gen.ts';
import { taskStatuses } from './tasks.ts';

/** CommonMark with tables; the same text for the same summary. Nothing an agent wrote can become markup. */
export function summaryMarkdown(summary: SessionSummary): string {
  return `${[
    `# ${inline(summary.name)}`,
    overview(summary),
    section('Participants', summary.participants.map(participantLine)),
    summary.steps.length > 0 ? `## Steps\n\n${stepTable(summary.steps)}` : '',
    section(
      'Results',
      summary.steps.flatMap((step) => step.results.map((result) => resultBlock(step, result))),
    ),
    section(
      'Conflicts',
      summary.conflicts.map(({ step, task_type, results }) => {
        const who = results.map((one) => inline(one.agent_id)).join(', ');
        return `- ${inline(task_type)} in ${stepLabel(step)}: different results from ${who}`;
      }),
    ),
    section('Open work', summary.open.map(taskLine)),
    section('Failed work', summary.failed.map(failedBlock)),
    section(
      'Artifacts',
      summary.artifacts.map((one) => `- ${typeof one === 'string' ? inline(one) : inline(json(one))}`),
    ),
    outcomeBlock(summary),
  ]
    .filter((part) => part !== '')
    .join('\n\n')}\n`;
}

function overview(summary: SessionSummary): string {
  const counts = taskStatuses.filter((status) => summary.tasks[status] > 0);
  const tasks = counts.map((status) => `${summary.tasks[status]} ${inline(status)}`).join(', ') || 'none';
  return [
    `- Session: ${inline(summary.session_id)}`,
    `- State: ${summary.state}`,
    `- Created: ${summary.created_at}`,
    ...(summary.ended_at === undefined ? [] : [`- Ended: ${summary.ended_at}`]),
    `- Duration: ${duration(summary.duration_ms)}`,
    `- Tasks: ${tasks}`,
  ].join('\n');
}

function participantLine({ agent_id, role, status }: SessionSummary['participants'][number]): string {
  return `- ${inline(agent_id)}: ${inline(role)}${status === 'left' ? ' (left)' : ''}`;
}

function stepTable(steps: readonly StepSummary[]): string {
  const rows = steps.map(({ step, state, tasks, agents, duration_ms }) => {
    const total = taskStatuses.reduce((sum, status) => sum + tasks[status], 0);
    const time = duration_ms === null ? '-' : duration(duration_ms);
    const who = agents.map(inline).join(', ') || '-';
    return `| ${stepLabel(step)} | ${state} | ${tasks.completed} of ${total} | ${who} | ${time} |`;
  });
  return ['| Step | State | Tasks completed | Agents | Duration |', '|---|---|---|---|---|', ...rows].join('\n');
}

function resultBlock({ step }: StepSummary, { agent_id, task_id, task_type, result }: TaskResult): string {
  return `- ${stepLabel(step)}: ${inline(task_type)} by ${inline(agent_id)} (${inline(task_id)})\n\n${code(result)}\n`;
}

function taskLine(task: Task): string {
  const status = inline(task.status);
  return `- ${stepLabel(task.step)}: ${inline(task.task_type)} by ${inline(task.delegatee)} (${inline(task.task_id)}), ${status}`;
}

function failedBlock(task: Task): string {
  return task.error === undefined ? taskLine(task) : `${taskLine(task)}\n\n${code(task.error)}\n`;
}

function outcomeBlock({ outcome }: SessionSummary): string {
  if (outcome === undefined) return '';
  return section('Outcome', [
    ...(outcome.reason === undefined ? [] : [`- Reason: ${inline(outcome.reason)}`]),
    ...(outcome.summary === undefined ? [] : [`- Summary: ${inline(outcome.summary)}`]),
    ...(outcome.details === undefined ? [] : [`- Details:\n\n${code(outcome.details)}`]),
  ]);
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `## ${title}\n\n${lines.join('\n').trimEnd()}`;
}

function stepLabel(step: string | null): string {
  return step === null ? 'no step' : inline(step);
}

function duration(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

/** Indented code inside a list item: unlike a fence, no content can end it. */
function code(value: unknown): string {
  return json(value)
    .split('\n')
    .map((line) => `      ${line}`)
    .join('\n');
}

function json(value: unknown): string {
  return JSON.stringify(value, null, 2) ?? 'null';
}

function inline(text: string): string {
  const line = text.replace(/\s+/gu, ' ').replace(/[\\`*_{}[\]<>|#~&!]/g, '\\$&');
  // What would open a list inside the list.
  return line.replace(/^([-+])/, '\\$1').replace(/^(\d+)([.)])/, '$1\\$2');
}
