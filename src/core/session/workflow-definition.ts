// What makes a list of steps a workflow.
import { BusError } from '../../protocol/errors.ts';
import type { AgentId, StepName, WorkflowStep, WorkflowStepInput } from '../../protocol/types.gen.ts';

const unique = (names: readonly string[] = []): string[] => [...new Set(names)];

/**
 * The steps with their defaults filled in.
 * @throws BusError INVALID_WORKFLOW for a step named twice, an unknown or circular dependency, or a required agent that does not take part
 */
export function workflowSteps(inputs: readonly WorkflowStepInput[], agents: ReadonlySet<AgentId>): WorkflowStep[] {
  const names = new Set<StepName>();
  for (const { name } of inputs) {
    if (names.has(name)) throw refusal(`the step ${name} is there twice; give each step its own name`);
    names.add(name);
  }
  const steps = inputs.map((input) => stepOf(input));
  for (const step of steps) {
    const stranger = step.required_agents.find((agent) => !agents.has(agent));
    if (stranger) throw refusal(`${stranger}, required in the step ${step.name}, is no participant; add it to them`);
    const unknown = step.dependencies.find((name) => !names.has(name));
    if (unknown) throw refusal(`the step ${step.name} depends on ${unknown}, which is no step`);
  }
  assertNoCycle(steps);
  return steps;
}

function stepOf(input: WorkflowStepInput): WorkflowStep {
  return {
    name: input.name,
    ...(input.description === undefined ? {} : { description: input.description }),
    required_agents: unique(input.required_agents),
    optional_agents: unique(input.optional_agents),
    dependencies: unique(input.dependencies),
  };
}

function assertNoCycle(steps: readonly WorkflowStep[]): void {
  const done = new Set<StepName>();
  let waiting = steps;
  while (waiting.length > 0) {
    const ready = waiting.filter((step) => step.dependencies.every((name) => done.has(name)));
    if (ready.length === 0) {
      throw refusal(`the steps ${waiting.map((step) => step.name).join(', ')} wait for each other; break the circle`);
    }
    for (const step of ready) done.add(step.name);
    waiting = waiting.filter((step) => !done.has(step.name));
  }
}

function refusal(what: string): BusError {
  return new BusError('INVALID_WORKFLOW', `The workflow is not valid: ${what}.`);
}
