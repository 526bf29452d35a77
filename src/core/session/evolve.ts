// The fold: what each event makes of a session.
import { chatAgentId } from '../../protocol/ids.ts';
import type { Participant, Session, SessionEvent, Task } from '../../protocol/types.gen.ts';
import { mergePatch } from '../json/merge-patch.ts';
import { evolveChats, noChats } from './chats.ts';
import { set } from './sorted-map.ts';
import type { SessionAggregate } from './state.ts';
import { addTask, findTask, noTasks, reopenStep, replaceTask } from './task-index.ts';
import { askedAgent, isOpen } from './tasks.ts';
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
      ...(data.message_budget !== undefined && { message_budget: data.message_budget, messages_used: 0 }),
      version: Number(id),
      created_at: at,
      updated_at: at,
    },
    autoAdvance: data.auto_advance,
    tasks: noTasks,
    messages: undefined,
    chats: noChats,
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
      // Counted only where somebody set a limit.
      const { messages_used: used } = session;
      const counted = used === undefined ? state : change({ messages_used: used + 1 });
      return { ...counted, messages: set(state.messages, message_id, trace) };
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
    case 'task_retried':
      return {
        ...state,
        tasks: changeTask(state, event.data.task_id, retriedTask),
      };
    case 'task_reassigned':
      return {
        ...state,
        tasks: changeTask(state, event.data.task_id, (task) => reassignedTask(task, event)),
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
    case 'session_completed': {
      const { report, ...outcome } = event.data;
      const completed = change({ state: 'completed', ended_at: event.at, outcome });
      return report ? { ...completed, report } : completed;
    }
    case 'session_terminated': {
      const { cancelled_tasks, ...outcome } = event.data;
      return change({ state: 'terminated', ended_at: event.at, outcome });
    }
    case 'chat_deleted': {
      // Nobody else goes by that name: it is not kept among those who left.
      const asker = chatAgentId(event.data.chat_id);
      const participants = session.participants.filter((one) => one.agent_id !== asker);
      return { ...change({ participants }), chats: evolveChats(state.chats, event) };
    }
    default: {
      const chats = evolveChats(state.chats, event);
      return chats === state.chats ? state : { ...state, chats };
    }
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

function reassignedTask(task: Task, { at, data }: EventOf<'task_reassigned'>): Task {
  if (!isOpen(task)) return task;
  const { delegatee, deadline, fallback_agents } = data;
  const { stands_in_for: _, fallback_agents: _tried, started_at: _began, former_delegatees = [], ...rest } = task;
  const asked = askedAgent(task);
  const former = [...former_delegatees, task.delegatee].filter((agent) => agent !== delegatee);
  return {
    ...rest,
    delegatee,
    deadline,
    status: 'pending',
    updated_at: at,
    ...(asked !== delegatee && { stands_in_for: asked }),
    ...(former.length > 0 && { former_delegatees: [...new Set(former)] }),
    ...(fallback_agents.length > 0 && { fallback_agents }),
    ...(data.from !== delegatee && {
      handovers: [...(task.handovers ?? []), { from: data.from, to: delegatee, reason: data.reason, at }],
    }),
  };
}

function retriedTask(task: Task): Task {
  return isOpen(task) ? { ...task, retries: (task.retries ?? 0) + 1 } : task;
}

function updatedTask(task: Task, { at, data }: EventOf<'task_updated'>): Task {
  if (!isOpen(task)) return task;
  return {
    ...task,
    status: data.status,
    updated_at: at,
    ...(data.status === 'in_progress' && { started_at: task.started_at ?? at }),
    ...('result' in data ? { result: data.result } : {}),
    ...('error' in data ? { error: data.error } : {}),
  };
}
