// The fold: what each event makes of a session.
import type { Participant, Session, SessionEvent, Task } from '../../protocol/types.gen.ts';
import { mergePatch } from '../json/merge-patch.ts';
import { set } from './sorted-map.ts';
import type { SessionAggregate } from './state.ts';
import { addTask, findTask, noTasks, reopenStep, replaceTask } from './task-index.ts';
import { isOpen } from './tasks.ts';
import { initialStanding, standing } from './workflow.ts';

/**
 * The session after one more event. Total: an event that does not fit, or of a type that is not known, only counts.
 * Shares with the event and with the state before; changes neither.
 */
export function evolve(state: SessionAggregate | undefined, event: SessionEvent): SessionAggregate | undefined {
  if (state === undefined) return event.type === 'session_created' ? created(event) : undefined;
  const changed = apply(state, event);
  const session = {
    ...changed.session,
    version: Number(event.id),
    updated_at: event.at,
  };
  return { ...changed, session };
}

export function fold(
  state: SessionAggregate | undefined,
  events: Iterable<SessionEvent>,
): SessionAggregate | undefined {
  let folded = state;
  for (const event of events) folded = evolve(folded, event);
  return folded;
}

type EventOf<T extends SessionEvent['type']> = Extract<SessionEvent, { type: T }>;

function created({ id, session_id, at, data }: EventOf<'session_created'>): SessionAggregate {
  return {
    session: {
      session_id,
      name: data.name,
      user_id: data.user_id,
      workspace_id: data.workspace_id,
      state: 'active',
      orchestrator: data.orchestrator,
      participants: data.participants,
      workflow: initialStanding(data.steps),
      shared_context: data.shared_context,
      context_version: 1,
      version: Number(id),
      created_at: at,
      updated_at: at,
    },
    autoAdvance: data.auto_advance,
    tasks: noTasks,
    messages: undefined,
  };
}

function apply(state: SessionAggregate, event: SessionEvent): SessionAggregate {
  const { session } = state;
  const { steps, current_step: current, completed_steps: completed } = session.workflow;
  const change = (part: Partial<Session>): SessionAggregate => ({
    ...state,
    session: { ...session, ...part },
  });
  switch (event.type) {
    case 'participant_added':
      return change({
        participants: withParticipant(session.participants, event.data.participant),
      });
    case 'participant_removed':
      return change({
        participants: session.participants.map((one) =>
          one.agent_id === event.data.agent_id ? { ...one, status: 'left', leave_time: event.at } : one,
        ),
      });
    case 'workflow_updated': {
      const { current_step, completed_steps } = event.data;
      const reopened = completed.filter((name) => !completed_steps.includes(name));
      const tasks = reopened.reduce(reopenStep, state.tasks);
      return {
        ...change({ workflow: standing(steps, current_step, completed_steps) }),
        tasks,
      };
    }
    case 'workflow_advanced':
      return change({ workflow: standing(steps, event.data.to, completed) });
    case 'step_completed': {
      const { step } = event.data;
      return change({
        workflow: standing(steps, current === step ? null : current, [...completed, step]),
      });
    }
    case 'context_updated': {
      const { mode, context, context_version } = event.data;
      const shared_context = mode === 'merge' ? mergePatch(session.shared_context, context) : context;
      return change({ shared_context, context_version });
    }
    case 'message_recorded': {
      const { message_id, task_id, step = null } = event.data;
      const trace = task_id === undefined ? { step } : { task_id, step };
      return { ...state, messages: set(state.messages, message_id, trace) };
    }
    case 'task_delegated':
      return {
        ...state,
        tasks: addTask(state.tasks, event.data.task, Number(event.id)),
      };
    case 'task_updated':
      return {
        ...state,
        tasks: changeTask(state, event.data.task_id, (task) => updatedTask(task, event)),
      };
    case 'task_answered_late': {
      const { task_id, message_id, message_type } = event.data;
      const answer = { message_id, message_type, at: event.at };
      const tasks = changeTask(state, task_id, (task) => ({
        ...task,
        late: [...(task.late ?? []), answer],
      }));
      return { ...state, tasks };
    }
    case 'session_completed':
      return change({
        state: 'completed',
        ended_at: event.at,
        outcome: event.data,
      });
    case 'session_terminated': {
      const { cancelled_tasks, ...outcome } = event.data;
      return change({ state: 'terminated', ended_at: event.at, outcome });
    }
    default:
      return state;
  }
}

function withParticipant(participants: readonly Participant[], added: Participant): Participant[] {
  return participants.some((one) => one.agent_id === added.agent_id)
    ? participants.map((one) => (one.agent_id === added.agent_id ? added : one))
    : [...participants, added];
}

function changeTask(state: SessionAggregate, taskId: string, change: (task: Task) => Task): SessionAggregate['tasks'] {
  const task = findTask(state.tasks, taskId);
  return task ? replaceTask(state.tasks, change(task)) : state.tasks;
}

function updatedTask(task: Task, { at, data }: EventOf<'task_updated'>): Task {
  if (!isOpen(task)) return task;
  return {
    ...task,
    status: data.status,
    updated_at: at,
    ...('result' in data ? { result: data.result } : {}),
    ...('error' in data ? { error: data.error } : {}),
  };
}
