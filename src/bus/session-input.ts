// What callers of the session manager hand in, checked like a request body and copied.
import { boundedCopy } from '../core/json/copy.ts';
import { checkedName, invalid } from '../core/session/names.ts';
import { taskStatuses } from '../core/session/tasks.ts';
import { checkedSynthesis } from '../core/summary/synthesis-options.ts';
import { BusError } from '../protocol/errors.ts';
import type {
  AgentId,
  CompleteSession,
  JsonObject,
  ParticipantInput,
  Priority,
  TaskStatus,
  UpdateWorkflow,
  WorkflowStepInput,
} from '../protocol/types.gen.ts';
import { assertNotReserved } from './reserved-ids.ts';

/** Most entries in any list of a session. */
const longestList = 256;
const priorities: readonly string[] = ['low', 'medium', 'high', 'critical'] satisfies Priority[];

/** Only what JSON can say reaches the log. @throws BusError VALIDATION_FAILED for what it cannot */
export function jsonValue(path: string, value: unknown): unknown {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new BusError('VALIDATION_FAILED', `${path} cannot be written as JSON; hand in plain data.`, { cause });
  }
  return text === undefined ? undefined : boundedCopy(JSON.parse(text));
}

export function jsonObject(path: string, value: unknown): JsonObject {
  const copy = jsonValue(path, value);
  if (typeof copy !== 'object' || copy === null || Array.isArray(copy)) throw invalid(path, 'must be an object');
  return copy as JsonObject;
}

function list(path: string, value: unknown, longest = longestList): unknown[] {
  if (!Array.isArray(value)) throw invalid(path, 'must be a list');
  if (value.length > longest) throw invalid(path, `must have at most ${longest} entries`);
  return value;
}

function names(rule: 'AgentId' | 'StepName', path: string, value: unknown): string[] {
  return list(path, value).map((item, index) => checkedName(rule, `${path}.${index}`, item));
}

export function text(path: string, value: unknown, longest: number, shortest = 0): string {
  if (typeof value === 'string' && value.length >= shortest && value.length <= longest) return value;
  throw invalid(path, `must be a text of ${shortest} to ${longest} characters`);
}

/** A limit: from 1 to a thousand million. */
export function wholeNumber(path: string, value: unknown): number {
  if (Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= 1e9) return Number(value);
  throw invalid(path, 'must be a whole number from 1 to 1000000000');
}

function record(path: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw invalid(path, 'must be an object');
  return value as Record<string, unknown>;
}

/** What a misspelt field asked for would not be asked for: of a filter, everything would fit. @throws BusError VALIDATION_FAILED */
export function assertFields<T extends object>(path: string, value: T, known: Readonly<Record<keyof T, true>>): void {
  const unknown = Object.keys(record(path, value)).find((name) => !Object.hasOwn(known, name));
  if (unknown === undefined) return;
  throw invalid(`${path}.${unknown.slice(0, 128)}`, `is no field; there are ${Object.keys(known).join(', ')}`);
}

/** The key with its checked value, or nothing where it was left out. */
function optional<K extends string, T>(key: K, value: unknown, check: (value: unknown) => T): { [P in K]?: T } {
  return value === undefined ? {} : ({ [key]: check(value) } as { [P in K]: T });
}

export function participantInput(value: unknown, path = 'participant'): ParticipantInput {
  const { agent_id, role, framework } = record(path, value);
  return {
    agent_id: participantId(`${path}.agent_id`, agent_id),
    ...optional('role', role, (it) => checkedName('Role', `${path}.role`, it)),
    ...optional('framework', framework, (it) => checkedName('Framework', `${path}.framework`, it)),
  };
}

export function participantInputs(value: unknown): ParticipantInput[] {
  return list('participants', value).map((item, index) => participantInput(item, `participants.${index}`));
}

export function stepInputs(value: unknown): WorkflowStepInput[] {
  return list('workflow', value).map((item, index) => {
    const path = `workflow.${index}`;
    const { name, description, required_agents, optional_agents, dependencies } = record(path, item);
    return {
      name: checkedName('StepName', `${path}.name`, name),
      required_agents: names('AgentId', `${path}.required_agents`, required_agents),
      ...optional('description', description, (it) => text(`${path}.description`, it, 2000)),
      ...optional('optional_agents', optional_agents, (it) => names('AgentId', `${path}.optional_agents`, it)),
      ...optional('dependencies', dependencies, (it) => names('StepName', `${path}.dependencies`, it)),
    };
  });
}

export function workflowUpdate(value: unknown): UpdateWorkflow {
  const { current_step, completed_steps, pending_steps } = record('workflow', value);
  const update = {
    ...optional('current_step', current_step, (it) =>
      it === null ? null : checkedName('StepName', 'current_step', it),
    ),
    ...optional('completed_steps', completed_steps, (it) => names('StepName', 'completed_steps', it)),
    ...optional('pending_steps', pending_steps, (it) => names('StepName', 'pending_steps', it)),
  };
  if (Object.keys(update).length > 0) return update;
  throw invalid('workflow', 'must name current_step, completed_steps or pending_steps');
}

export function agentId(path: string, value: unknown): AgentId {
  return checkedName('AgentId', path, value);
}

/** Who comes or goes by hand: chats come and go by themselves. @throws BusError FORBIDDEN, VALIDATION_FAILED */
export function participantId(path: string, value: unknown): AgentId {
  const id = agentId(path, value);
  assertNotReserved(id);
  return id;
}

export function priority(value: unknown): Priority {
  if (typeof value === 'string' && priorities.includes(value)) return value as Priority;
  throw invalid('priority', `must be one of ${priorities.join(', ')}`);
}

export function taskStatus(value: unknown): TaskStatus {
  const known = taskStatuses.find((status) => status === value);
  if (known) return known;
  throw invalid('status', `must be one of ${taskStatuses.join(', ')}`);
}

/** How a session was completed. */
export function completion(value: unknown): Pick<CompleteSession, 'summary' | 'artifacts' | 'synthesis'> {
  const { summary, artifacts, synthesis } = record('outcome', value);
  return {
    ...optional('summary', summary, (it) => text('summary', it, 100_000)),
    ...optional('artifacts', artifacts, (it) => list('artifacts', jsonValue('artifacts', it), 1000)),
    ...optional('synthesis', synthesis, checkedSynthesis),
  };
}

/** Why a session was terminated. */
export function termination(value: unknown): { reason: string; details?: unknown } {
  const { reason, details } = record('outcome', value);
  return {
    reason: text('reason', reason, 1000, 1),
    ...optional('details', details, (it) => jsonValue('details', it)),
  };
}
