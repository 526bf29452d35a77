// Where a workflow stands: which steps are open, and which comes next.
import { BusError } from '../../protocol/errors.ts';
import type { StepName, Workflow, WorkflowStep } from '../../protocol/types.gen.ts';

/** The standing in which every step is in exactly one place: current, completed or pending. */
export function standing(steps: WorkflowStep[], current: StepName | null, completed: readonly StepName[]): Workflow {
  const elsewhere = new Set(current === null ? completed : [...completed, current]);
  return {
    current_step: current,
    completed_steps: [...completed],
    pending_steps: steps.map((step) => step.name).filter((name) => !elsewhere.has(name)),
    steps,
  };
}

/** The first step that waits for no other is current. */
export function initialStanding(steps: WorkflowStep[]): Workflow {
  return standing(steps, nextStep({ steps, completed_steps: [] }, null), []);
}

/** @throws BusError UNKNOWN_STEP */
export function stepNamed(workflow: Workflow, name: StepName): WorkflowStep {
  const step = workflow.steps.find((one) => one.name === name);
  if (step) return step;
  const known = workflow.steps.map((one) => one.name).join(', ') || 'none';
  throw new BusError('UNKNOWN_STEP', `${name} is no step of this workflow; its steps are: ${known}.`);
}

/** Open for work: not completed, and everything it depends on is. */
export function isOpenStep(workflow: Pick<Workflow, 'completed_steps'>, step: WorkflowStep): boolean {
  const completed = new Set(workflow.completed_steps);
  return !completed.has(step.name) && step.dependencies.every((name) => completed.has(name));
}

/** @throws BusError STEP_NOT_OPEN */
export function assertOpenStep(workflow: Pick<Workflow, 'completed_steps'>, step: WorkflowStep): void {
  if (isOpenStep(workflow, step)) return;
  const missing = step.dependencies.filter((name) => !workflow.completed_steps.includes(name));
  const why = missing.length > 0 ? `waits for ${missing.join(', ')}` : 'is completed';
  throw new BusError('STEP_NOT_OPEN', `The step ${step.name} ${why}; complete or reopen steps with a workflow update.`);
}

/** The first open step behind the one given, else the first open one from the start. */
export function nextStep(
  workflow: Pick<Workflow, 'steps' | 'completed_steps'>,
  after: StepName | null,
): StepName | null {
  const start = workflow.steps.findIndex((step) => step.name === after) + 1;
  const ring = [...workflow.steps.slice(start), ...workflow.steps.slice(0, start)];
  return ring.find((step) => isOpenStep(workflow, step))?.name ?? null;
}
