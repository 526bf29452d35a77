import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SessionCommand } from '../../../src/core/session/commands.ts';
import { decide, execute } from '../../../src/core/session/decide.ts';
import { nextEvent } from '../../../src/core/session/draft.ts';
import { evolve, fold } from '../../../src/core/session/evolve.ts';
import type { SessionAggregate } from '../../../src/core/session/state.ts';
import { taskOfMessage } from '../../../src/core/session/state.ts';
import {
  allTasks,
  lastEndedTask,
  nextDeadline,
  oldestOpenTask,
  openTasks,
  stepTasks,
} from '../../../src/core/session/task-index.ts';
import { isOpen } from '../../../src/core/session/tasks.ts';
import { BusError } from '../../../src/protocol/errors.ts';
import type { SessionEvent, Task } from '../../../src/protocol/types.gen.ts';
import { validatorOf } from '../../../src/schema/registry.ts';
import { ask, at, backend, frontend, lead, qa, says, stranger, tutorial } from './story.ts';

const agent = fc.constantFrom(lead, backend, frontend, qa, stranger);
const step = fc.constantFrom('design', 'implementation', 'review', 'release');
const taskId = fc.constantFrom('task_m0', 'task_m1', 'task_m2', 'task_m3', 't0', 't1', 't2');
const messageId = fc.integer({ min: 0, max: 14 }).map((number) => `m${number}`);
const second = fc.integer({ min: 1, max: 100 });
const steps = fc.uniqueArray(step, { maxLength: 3 });
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 3 });

/** Only the fields that have a value. */
type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };
const present = <T extends object>(value: T) =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Present<T>;

const message = fc
  .record({
    id: messageId,
    type: fc.constantFrom(
      'task_request' as const,
      'task_request' as const,
      'task_response' as const,
      'task_response' as const,
      'status_update' as const,
      'error' as const,
    ),
    from: agent,
    to: agent,
    metadata: maybe(fc.record({ task_id: maybe(taskId), in_reply_to: maybe(messageId), step: maybe(step) })),
    deadline: second,
  })
  .map(({ id, type, from, to, metadata, deadline }) =>
    says(id, type, from, to, { deadline: at(deadline), ...(metadata ? { metadata: present(metadata) } : {}) }),
  );

const update = fc.record({
  current_step: maybe(fc.option(step)),
  completed_steps: maybe(steps),
  pending_steps: maybe(steps),
});

const command: fc.Arbitrary<SessionCommand> = fc.oneof(
  { weight: 12, arbitrary: message },
  agent.map((agent_id) => ask({ type: 'add_participant', participant: { agent_id }, max_participants: 5 })),
  agent.map((agent_id) => ask({ type: 'remove_participant', agent_id })),
  { weight: 2, arbitrary: update.map((changes) => ask({ type: 'update_workflow', update: present(changes) })) },
  fc.constant(ask({ type: 'advance_workflow' })),
  fc
    .record({ mode: fc.constantFrom('merge' as const, 'replace' as const), a: fc.option(fc.integer()) })
    .map(({ mode, a }) => ask({ type: 'update_context', mode, context: { a, b: 1 } })),
  fc
    .record({ task_id: taskId, delegatee: agent, deadline: second })
    .map(({ task_id, delegatee, deadline }) =>
      ask({ type: 'delegate_task', task_id, delegatee, task_type: 'task', priority: 'low', deadline: at(deadline) }),
    ),
  {
    weight: 3,
    arbitrary: fc
      .record({
        task_id: taskId,
        status: fc.constantFrom('in_progress' as const, 'completed' as const, 'failed' as const, 'cancelled' as const),
      })
      .map((change) => ask({ type: 'update_task', ...change })),
  },
  messageId.map((message_id) => ask({ type: 'report_dead_message', message_id, reason: 'expired' })),
  second.map((now) => ask({ type: 'expire', at: at(now), idle_since: at(-1) })),
);

const ending: fc.Arbitrary<SessionCommand> = fc.constantFrom(
  ask({ type: 'complete_session', summary: 'done' }),
  ask({ type: 'terminate_session', reason: 'enough' }),
  ask({ type: 'expire', at: at(200), idle_since: at(200) }),
);

/** Two steps in a row that depend on each other, one that does not, and one that many must work in. */
const beginning = tutorial({
  steps: [
    { name: 'design', required_agents: [lead] },
    { name: 'implementation', required_agents: [backend, frontend] },
    { name: 'review', required_agents: [qa], dependencies: ['implementation'] },
    { name: 'release', required_agents: [] },
  ],
});

interface Told {
  state: SessionAggregate;
  events: readonly SessionEvent[];
}

/** Runs a command; a refusal must be a coded one and leaves everything as it was. */
function run(told: Told, next: SessionCommand): Told {
  try {
    const { state, events } = execute(told.state, next);
    return { state: state ?? told.state, events: [...told.events, ...events] };
  } catch (error) {
    if (error instanceof BusError) return told;
    throw error;
  }
}

function begin(): Told {
  const { state, events } = execute(undefined, beginning);
  if (!state) throw new Error('a session is created');
  return { state, events };
}

/** Checks every state that a story goes through. */
function always(
  check: (now: Told, before: Told, last: SessionCommand) => void,
  stories = fc.array(command, { maxLength: 60 }),
) {
  fc.assert(
    fc.property(stories, (commands) => {
      let told = begin();
      for (const next of commands) {
        const before = told;
        told = run(told, next);
        check(told, before, next);
      }
    }),
    { numRuns: 300 },
  );
}

const withEnd = fc
  .tuple(fc.array(command, { maxLength: 30 }), ending, fc.array(fc.oneof(command, ending), { maxLength: 15 }))
  .map(([first, end, rest]) => [...first, end, ...rest]);

const tasksOf = (state: SessionAggregate): Task[] => [...allTasks(state.tasks)];

describe('whatever is asked of a session', () => {
  it('a step is never completed while a task in it is open', () => {
    always(({ state }) => {
      for (const name of state.session.workflow.completed_steps) {
        expect(tasksOf(state).filter((task) => task.step === name && isOpen(task))).toEqual([]);
      }
    });
  });

  it('a task that is over never changes, but for the answers that come late', () => {
    always(({ state }, before) => {
      for (const { late: _, ...old } of tasksOf(before.state)) {
        if (isOpen(old)) continue;
        const { late: _late, ...now } = tasksOf(state).find((task) => task.task_id === old.task_id) ?? {};
        expect(now).toEqual(old);
      }
    }, withEnd);
  });

  it('folding its events gives the same session', () => {
    always(({ state, events }) => {
      expect(fold(undefined, JSON.parse(JSON.stringify(events)))).toEqual(state);
    }, withEnd);
  });

  it('what is decided is what is carried out', () => {
    always((_, before, next) => {
      try {
        let state: SessionAggregate | undefined = before.state;
        for (const body of decide(before.state, next)) {
          state = evolve(state, nextEvent(state, next.session_id, next.at, body));
        }
        expect(state).toEqual(run(before, next).state);
      } catch (error) {
        if (!(error instanceof BusError)) throw error;
      }
    });
  });

  it('nobody takes part twice, and no more than may', () => {
    always(({ state }) => {
      const { participants } = state.session;
      expect(new Set(participants.map((one) => one.agent_id)).size).toBe(participants.length);
      expect(participants.filter((one) => one.status === 'active').length).toBeLessThanOrEqual(5);
    });
  });

  it('every step is current, completed or pending, and just one of these', () => {
    always(({ state }) => {
      const { current_step, completed_steps, pending_steps } = state.session.workflow;
      const all = [...completed_steps, ...pending_steps, ...(current_step === null ? [] : [current_step])];
      expect(all.sort()).toEqual(['design', 'implementation', 'release', 'review']);
    });
  });

  it('the current step waits for no other', () => {
    always(({ state }) => {
      const { current_step, completed_steps } = state.session.workflow;
      if (current_step === 'review') expect(completed_steps).toContain('implementation');
    });
  });

  it('after its end it never changes', () => {
    always((now, before) => {
      if (before.state.session.state !== 'active') expect(now).toEqual(before);
    }, withEnd);
  });

  it('its version is the number of its events, whose ids count up', () => {
    always(({ state, events }) => {
      expect(state.session.version).toBe(events.length);
      expect(events.map((event) => Number(event.id))).toEqual(events.map((_, index) => index + 1));
    }, withEnd);
  });

  it('a message recorded twice is recorded once', () => {
    always((now, _, last) => {
      if (last.type !== 'record_message' || !now.events.some((event) => recorded(event, last.message.message_id)))
        return;
      expect(run(now, last)).toEqual(now);
      const other = { ...last, task: { task_id: 'another', deadline: at(99) } };
      const again = run(now, other);
      expect(again.events.length).toBe(now.events.length);
      const id = last.message.message_id;
      expect(taskOfMessage(again.state, id)).toEqual(taskOfMessage(now.state, id));
    });
  });

  it('its indexes say what a scan would', () => {
    always(({ state }) => {
      const tasks = tasksOf(state);
      const open = tasks.filter(isOpen);
      expect(openTasks(state.tasks)).toEqual(open);
      expect(nextDeadline(state.tasks)?.deadline).toBe(open.map((task) => task.deadline).sort()[0]);
      for (const name of ['design', 'implementation', 'review', 'release']) {
        const { total, open: stillOpen } = stepTasks(state.tasks, name);
        const inStep = tasks.filter((task) => task.step === name);
        expect([total, stillOpen]).toEqual([inStep.length, inStep.filter(isOpen).length]);
      }
      const from = open.filter((task) => task.delegator === lead && task.delegatee === backend);
      expect(oldestOpenTask(state.tasks, lead, backend)).toEqual(from[0]);
      const ended = lastEndedTask(state.tasks, lead, backend);
      expect(ended === undefined).toBe(
        !tasks.some((task) => task.delegator === lead && task.delegatee === backend && !isOpen(task)),
      );
    }, withEnd);
  });

  it('its events and its session fit the schemas', () => {
    const event = validatorOf('SessionEvent');
    const session = validatorOf('Session');
    const task = validatorOf('Task');
    always(({ state, events }, before) => {
      for (const one of events.slice(before.events.length)) {
        expect(event(one), JSON.stringify([one, event.errors])).toBe(true);
        const data = validatorOf(`${one.type.replace(/(^|_)([a-z])/g, (_, _b, letter) => letter.toUpperCase())}Data`);
        expect(data(one.data), JSON.stringify([one, data.errors])).toBe(true);
      }
      expect(session(state.session), JSON.stringify(session.errors)).toBe(true);
      for (const one of allTasks(state.tasks)) expect(task(one), JSON.stringify(task.errors)).toBe(true);
    }, withEnd);
  });
});

function recorded(event: SessionEvent, messageId: string): boolean {
  return event.type === 'message_recorded' && event.data.message_id === messageId;
}
