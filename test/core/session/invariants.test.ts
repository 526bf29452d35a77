import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SessionCommand } from '../../../src/core/session/commands.ts';
import { decide } from '../../../src/core/session/decide.ts';
import { nextEvent } from '../../../src/core/session/draft.ts';
import { evolve, fold } from '../../../src/core/session/evolve.ts';
import type { SessionAggregate } from '../../../src/core/session/state.ts';
import { taskOfMessage } from '../../../src/core/session/state.ts';
import {
  allTasks,
  lastEndedTask,
  oldestOpenTask,
  openTasks,
  stepTasks,
  tasksByDeadline,
} from '../../../src/core/session/task-index.ts';
import { isOpen } from '../../../src/core/session/tasks.ts';
import { BusError } from '../../../src/protocol/errors.ts';
import type { SessionEvent, Task } from '../../../src/protocol/types.gen.ts';
import { validatorOf } from '../../../src/schema/registry.ts';
import { begin, command, run, type Told, withEnd } from './random-story.ts';
import { at, backend, lead } from './story.ts';

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

  it('a chat remembers questions with their replies, in turns and as many as it may', () => {
    always(({ state }) => {
      for (const { history, history_limit } of state.chats.all) {
        expect(history.length).toBeLessThanOrEqual(history_limit);
        expect(history.map((said) => said.role)).toEqual(history.map((_, at) => (at % 2 ? 'assistant' : 'user')));
      }
    }, withEnd);
  });

  it('it has no more chats than it may, and the active one is one of them', () => {
    always(({ state: { chats } }) => {
      const ids = chats.all.map((one) => one.chat_id);
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids.length).toBeLessThanOrEqual(2);
      if (chats.active !== undefined) expect(ids).toContain(chats.active);
    });
  });

  it('no chat is answering once it is over', () => {
    always(({ state: { session, chats } }) => {
      if (session.state !== 'active') expect(chats.all.filter((one) => one.open)).toEqual([]);
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
      expect([...tasksByDeadline(state.tasks)].map((task) => task.deadline)).toEqual(
        open.map((task) => task.deadline).sort(),
      );
      for (const name of ['design', 'implementation', 'review', 'release']) {
        const { total, open: stillOpen } = stepTasks(state.tasks, name);
        const inStep = tasks.filter((task) => task.step === name);
        expect([total, stillOpen]).toEqual([inStep.length, inStep.filter(isOpen).length]);
      }
      const from = open.filter((task) => task.delegator === lead && task.delegatee === backend);
      expect(oldestOpenTask(state.tasks, lead, backend)).toEqual(from[0]);
      const ended = lastEndedTask(state.tasks, lead, backend);
      expect(ended === undefined).toBe(
        !tasks.some(
          (task) =>
            task.delegator === lead &&
            (task.former_delegatees?.includes(backend) || (task.delegatee === backend && !isOpen(task))),
        ),
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
