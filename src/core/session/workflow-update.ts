// What a partial workflow update asks for, made complete.
import { BusError } from '../../protocol/errors.ts';
import type { StepName, UpdateWorkflow, Workflow, WorkflowUpdatedData } from '../../protocol/types.gen.ts';
import type { SessionAggregate } from './state.ts';
import { stepTasks } from './task-index.ts';
import { assertOpenStep, nextStep, standing, stepNamed } from './workflow.ts';

/**
 * The whole standing after the update. What is not named stays, except that a current step that loses its place becomes
 * pending, and one that is completed hands over to the next where the session advances by itself.
 * @throws BusError UNKNOWN_STEP, INVALID_WORKFLOW (a step in two places), STEP_HAS_OPEN_TASKS, STEP_NOT_OPEN
 */
export function updatedStanding(state: SessionAggregate, update: UpdateWorkflow): WorkflowUpdatedData {
  const { workflow } = state.session;
  assertPlacedOnce(workflow, update);
  const completed = completedAfter(workflow, update);
  const current = update.current_step === undefined ? currentAfter(state, update, completed) : update.current_step;
  for (const name of completed) assertNothingOpen(state, name);
  const { steps, ...after } = standing(workflow.steps, current, completed);
  if (current !== null) assertOpenStep(after, stepNamed(workflow, current));
  return after;
}

/** @throws BusError STEP_HAS_OPEN_TASKS */
export function assertNothingOpen(state: SessionAggregate, step: StepName): void {
  const { open } = stepTasks(state.tasks, step);
  if (open === 0) return;
  throw new BusError(
    'STEP_HAS_OPEN_TASKS',
    `The step ${step} has ${open} open task${open === 1 ? '' : 's'}; wait for them or cancel them first.`,
  );
}

function assertPlacedOnce(workflow: Workflow, update: UpdateWorkflow): void {
  const placed = new Set<StepName>();
  for (const place of [[update.current_step ?? []].flat(), update.completed_steps ?? [], update.pending_steps ?? []]) {
    for (const name of new Set(place)) {
      stepNamed(workflow, name);
      if (placed.has(name)) {
        throw new BusError('INVALID_WORKFLOW', `The update puts the step ${name} in two places; name it once.`);
      }
      placed.add(name);
    }
  }
}

function completedAfter(workflow: Workflow, update: UpdateWorkflow): StepName[] {
  if (update.completed_steps) return [...new Set(update.completed_steps)];
  const reopened = new Set([update.current_step, ...(update.pending_steps ?? [])]);
  return workflow.completed_steps.filter((name) => !reopened.has(name));
}

function currentAfter(state: SessionAggregate, update: UpdateWorkflow, completed: StepName[]): StepName | null {
  const { current_step: current, steps } = state.session.workflow;
  if (current === null || update.pending_steps?.includes(current)) return null;
  if (!completed.includes(current)) return current;
  return state.autoAdvance ? nextStep({ steps, completed_steps: completed }, current) : null;
}
