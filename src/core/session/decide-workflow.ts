// Decisions on the workflow: by hand, and by what the tasks of a step have come to.
import { BusError } from '../../protocol/errors.ts';
import type { StepName } from '../../protocol/types.gen.ts';
import type { UpdateWorkflowCommand } from './commands.ts';
import type { Draft } from './draft.ts';
import type { SessionAggregate } from './state.ts';
import { stepTasks } from './task-index.ts';
import { nextStep } from './workflow.ts';
import { assertNothingOpen, updatedStanding } from './workflow-update.ts';

/** @throws BusError UNKNOWN_STEP, INVALID_WORKFLOW, STEP_HAS_OPEN_TASKS, STEP_NOT_OPEN */
export function updateWorkflow(draft: Draft, { update }: UpdateWorkflowCommand): void {
  draft.record({
    type: 'workflow_updated',
    data: updatedStanding(draft.state, update),
  });
}

/**
 * Completes the current step and makes the next one current; where none is current, only the latter.
 * @throws BusError STEP_HAS_OPEN_TASKS; STEP_NOT_OPEN when nothing is left to advance to
 */
export function advanceWorkflow(draft: Draft): void {
  const { current_step: from } = draft.state.session.workflow;
  if (from !== null) {
    assertNothingOpen(draft.state, from);
    draft.record({ type: 'step_completed', data: { step: from } });
  } else if (nextStep(draft.state.session.workflow, null) === null) {
    throw new BusError('STEP_NOT_OPEN', 'No step is open; reopen one with a workflow update.');
  }
  advance(draft, from, from);
}

/** Completes a step as soon as every required agent has completed a task in it and none is open. */
export function completeStepIfDone(draft: Draft, step: StepName | null): void {
  if (step === null || !isDone(draft.state, step)) return;
  const { current_step: from } = draft.state.session.workflow;
  const handsOver = draft.state.autoAdvance && isPassed(draft.state, from, step);
  draft.record({ type: 'step_completed', data: { step } });
  if (handsOver) advance(draft, from, step);
}

function advance(draft: Draft, from: StepName | null, behind: StepName | null): void {
  const to = nextStep(draft.state.session.workflow, behind);
  if (to !== from) draft.record({ type: 'workflow_advanced', data: { from, to } });
}

function isDone({ session: { workflow }, tasks }: SessionAggregate, name: StepName): boolean {
  const step = workflow.steps.find((one) => one.name === name);
  if (!step || step.required_agents.length === 0 || workflow.completed_steps.includes(name)) return false;
  const { open, completedBy } = stepTasks(tasks, name);
  return open === 0 && step.required_agents.every((agent) => completedBy.includes(agent));
}

/** Whether the work has moved past the current step: it is the one done now, or it lies before that and nobody worked in it. */
function isPassed(
  { session: { workflow }, tasks }: SessionAggregate,
  current: StepName | null,
  done: StepName,
): boolean {
  if (current === null || current === done) return true;
  const position = (name: StepName) => workflow.steps.findIndex((step) => step.name === name);
  return position(current) < position(done) && stepTasks(tasks, current).total === 0;
}
