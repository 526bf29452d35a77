// The facts of the executive summary, and what the results come to.
import type {
  AgentId,
  AgentSummary,
  Participant,
  SessionSummary,
  StepName,
  StepSummary,
  SynthesisOptions,
  Task,
  Workflow,
} from '../../protocol/types.gen.ts';
import type { SessionAggregate } from '../session/state.ts';
import { allTasks } from '../session/task-index.ts';
import { isOpen } from '../session/tasks.ts';
import { conflictsOf } from './conflicts.ts';
import { decisionsOn } from './decisions.ts';
import { questionsOf } from './questions.ts';
import { between, countByStatus, fallbacksOf, retriesOf, taskSummary } from './task-summary.ts';

/**
 * All of the summary but the values that agents or the caller handed in: those are named by their tasks. So it is short
 * enough to be kept.
 * @throws BusError VALIDATION_FAILED for a selection that does not fit the tasks
 */
export function reportOf({ session, tasks: index }: SessionAggregate, synthesis: SynthesisOptions): SessionSummary {
  const tasks = [...allTasks(index)];
  const { workflow, participants, ended_at } = session;
  const byStep = groupBy(tasks, ({ step }) => step);
  const byAgent = groupBy(tasks, ({ delegatee }) => delegatee);
  const steps = [...workflow.steps.map((step) => step.name), ...(byStep.has(null) ? [null] : [])];
  const those = (isMeant: (task: Task) => boolean) => tasks.filter(isMeant).map(taskSummary);
  return {
    session_id: session.session_id,
    name: session.name,
    state: session.state,
    created_at: session.created_at,
    updated_at: session.updated_at,
    ...(ended_at === undefined ? {} : { ended_at }),
    duration_ms: between(session.created_at, ended_at ?? session.updated_at),
    participants,
    tasks: countByStatus(tasks),
    retries: retriesOf(tasks),
    fallbacks: tasks.flatMap(fallbacksOf),
    steps: steps.map((step) => stepSummary(workflow, step, byStep.get(step) ?? [])),
    agents: agentSummaries(participants, byAgent),
    open: those(isOpen),
    failed: those(({ status }) => status === 'failed' || status === 'timeout'),
    cancelled: those(({ status }) => status === 'cancelled'),
    conflicts: questionsOf(tasks).flatMap(conflictsOf),
    synthesis,
    decisions: decisionsOn(tasks, participants, synthesis),
    artifacts: [],
  };
}

function stepSummary(workflow: Workflow, step: StepName | null, tasks: readonly Task[]): StepSummary {
  return {
    step,
    state: stateOf(workflow, step),
    tasks: countByStatus(tasks),
    agents: [...new Set(tasks.map((task) => task.delegatee))],
    duration_ms: durationOf(tasks),
    retries: retriesOf(tasks),
    results: tasks.filter((task) => task.status === 'completed').map(taskSummary),
  };
}

function stateOf(workflow: Workflow, step: StepName | null): StepSummary['state'] {
  if (step === null) return 'none';
  if (step === workflow.current_step) return 'current';
  return workflow.completed_steps.includes(step) ? 'completed' : 'pending';
}

function durationOf(tasks: readonly Task[]): number | null {
  const start = tasks.map((task) => task.created_at).sort()[0];
  const answered = tasks.filter((task) => task.status === 'completed' || task.status === 'failed');
  const end = answered
    .map((task) => task.updated_at)
    .sort()
    .at(-1);
  return start === undefined || end === undefined ? null : between(start, end);
}

/** Participants first, then fallbacks that take no part. */
function agentSummaries(
  participants: readonly Participant[],
  byAgent: ReadonlyMap<AgentId, readonly Task[]>,
): AgentSummary[] {
  const roles = new Map(participants.map(({ agent_id, role }) => [agent_id, role]));
  return [...new Set([...roles.keys(), ...byAgent.keys()])].map((agent_id) => {
    const tasks = byAgent.get(agent_id) ?? [];
    const completed = tasks.filter((task) => task.status === 'completed').map(taskSummary);
    return {
      agent_id,
      role: roles.get(agent_id) ?? null,
      tasks: countByStatus(tasks),
      working_ms: completed.reduce((sum, { duration_ms }) => sum + (duration_ms ?? 0), 0),
      retries: retriesOf(tasks),
    };
  });
}

function groupBy<K>(tasks: readonly Task[], keyOf: (task: Task) => K): Map<K, Task[]> {
  const groups = new Map<K, Task[]>();
  for (const task of tasks) {
    const group = groups.get(keyOf(task));
    if (group) group.push(task);
    else groups.set(keyOf(task), [task]);
  }
  return groups;
}
