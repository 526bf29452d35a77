import { describe, expect, it } from 'vitest';
import { decide } from '../../../src/core/session/decide.ts';
import type { ReassignTaskCommand } from '../../../src/core/session/message-reports.ts';
import {
  answers,
  ask,
  asks,
  at,
  backend,
  frontend,
  given,
  lead,
  qa,
  refused,
  says,
  stranger,
  task,
  tutorial,
  when,
} from './story.ts';

const spare = 'custom://spare';

/** The message goes on to another agent. */
const goesOn = (delegatee: string, more: Partial<ReassignTaskCommand> = {}) =>
  ask({
    type: 'reassign_task',
    message_id: 'm1',
    delegatee,
    reason: 'fallback: expired',
    deadline: at(600),
    fallback_agents: [],
    at: at(300),
    ...more,
  });

/** A request to the backend, required in the step, that may go on to others. */
const request = () => {
  const asked = asks('m1', backend);
  return asked.type === 'record_message' && asked.task
    ? { ...asked, task: { ...asked.task, fallback_agents: [frontend, spare] } }
    : asked;
};

describe('a task whose message goes on to a fallback', () => {
  it('is moved by hand by the fallback, and no longer by who had it before', () => {
    const moves = (agent_id: string) => ask({ type: 'update_task', task_id: 'task_m1', status: 'completed', agent_id });
    const state = given(tutorial(), request(), goesOn(frontend));
    expect(() => decide(state, moves(backend))).toThrow(refused('FORBIDDEN'));
    expect(task(when(state, moves(frontend)).state, 'task_m1').status).toBe('completed');
  });

  it('is the fallback’s from then on, with another deadline, and starts anew', () => {
    const working = given(tutorial(), request(), says('s1', 'status_update', backend, lead));
    expect(task(working, 'task_m1')).toMatchObject({ status: 'in_progress', fallback_agents: [frontend, spare] });
    const { state, events } = when(working, goesOn(frontend, { fallback_agents: [spare] }));
    expect(events).toEqual([
      {
        type: 'task_reassigned',
        data: {
          task_id: 'task_m1',
          message_id: 'm1',
          from: backend,
          delegatee: frontend,
          reason: 'fallback: expired',
          deadline: at(600),
          fallback_agents: [spare],
        },
      },
    ]);
    expect(task(state, 'task_m1')).toMatchObject({
      delegatee: frontend,
      deadline: at(600),
      status: 'pending',
      updated_at: at(300),
      stands_in_for: backend,
      former_delegatees: [backend],
      fallback_agents: [spare],
    });
    expect(decide(state, goesOn(frontend, { fallback_agents: [spare] }))).toEqual([]);
  });

  it.each([[{}], [{ metadata: { in_reply_to: 'm1' } }], [{ metadata: { task_id: 'task_m1' } }]])(
    'is moved and completed by the fallback, found by %j',
    (said) => {
      const state = given(tutorial(), request(), goesOn(frontend), says('s1', 'status_update', frontend, lead, said));
      expect(task(state, 'task_m1').status).toBe('in_progress');
      const done = when(state, answers('r1', frontend, { payload: { ok: true }, ...said }));
      expect(task(done.state, 'task_m1')).toMatchObject({ status: 'completed', result: { ok: true } });
    },
  );

  it.each([[{}], [{ metadata: { in_reply_to: 'm1' } }]])(
    'takes the answer of the agent before as late, found by %j',
    (said) => {
      const moved = given(tutorial(), request(), goesOn(frontend), goesOn(spare, { deadline: at(900) }));
      for (const [id, former] of [
        ['r1', backend],
        ['r2', frontend],
      ] as const) {
        const { state, types } = when(moved, answers(id, former, said));
        expect(types).toEqual(['message_recorded', 'task_answered_late']);
        const { late, ...now } = task(state, 'task_m1');
        expect(late).toMatchObject([{ message_id: id, message_type: 'task_response' }]);
        expect(now).toEqual(task(moved, 'task_m1'));
      }
    },
  );

  it('that is over stays as it is', () => {
    const over = given(tutorial(), request(), answers('r1', backend));
    expect(decide(over, goesOn(frontend))).toEqual([]);
    expect(decide(given(tutorial()), goesOn(frontend))).toEqual([]);
  });

  it('is again that of the agent that was asked where it comes back to it', () => {
    const state = given(tutorial(), request(), goesOn(frontend), goesOn(backend, { deadline: at(700) }));
    const { stands_in_for, former_delegatees, delegatee } = task(state, 'task_m1');
    expect([delegatee, stands_in_for, former_delegatees]).toEqual([backend, undefined, [frontend]]);
    expect(task(when(state, answers('r1', backend)).state, 'task_m1').status).toBe('completed');
  });

  it('is cancelled when the fallback leaves, not when the agent before does', () => {
    const moved = given(tutorial(), request(), goesOn(frontend));
    const leaves = (agent_id: string) => ask({ type: 'remove_participant', agent_id });
    expect(task(when(moved, leaves(backend)).state, 'task_m1').status).toBe('pending');
    expect(task(when(moved, leaves(frontend)).state, 'task_m1').status).toBe('cancelled');
  });
});

describe('what a fallback completes', () => {
  const steps = [{ name: 'build', required_agents: [backend, frontend] }];
  const completed = (...commands: Parameters<typeof given>) =>
    given(tutorial({ steps }), ...commands).session.workflow.completed_steps;

  it('counts for the agent that was asked, and not for the fallback’s own part', () => {
    const own = asks('m2', frontend);
    expect(completed(request(), goesOn(frontend), answers('r1', frontend))).toEqual([]);
    expect(completed(request(), goesOn(frontend), answers('r1', frontend), own, answers('r2', frontend))).toEqual([
      'build',
    ]);
    expect(completed(request(), goesOn(spare), answers('r1', spare), own, answers('r2', frontend))).toEqual(['build']);
  });

  it('also counts so where the message went to the fallback at once', () => {
    const asked = asks('m1', spare);
    if (asked.type !== 'record_message' || !asked.task) throw new Error('a request asks for a task');
    const rerouted = { ...asked, task: { ...asked.task, addressed_to: backend } };
    const state = given(tutorial({ steps }), rerouted);
    expect(task(state, 'task_m1')).toMatchObject({ step: 'build', delegatee: spare, stands_in_for: backend });
    const done = given(
      tutorial({ steps }),
      rerouted,
      answers('r1', spare),
      asks('m2', frontend),
      answers('r2', frontend),
    );
    expect(done.session.workflow.completed_steps).toEqual(['build']);
  });

  it('is taken from one who takes no part in the session, but nothing else is', () => {
    const state = given(tutorial(), request(), goesOn(spare));
    expect(task(when(state, answers('r1', spare)).state, 'task_m1').status).toBe('completed');
    expect(() => when(state, says('x1', 'status_update', spare, qa))).toThrow(refused('NOT_A_PARTICIPANT'));
    expect(() => when(state, says('x2', 'task_request', spare, qa))).toThrow(refused('NOT_A_PARTICIPANT'));
    const other = answers('x3', stranger, { metadata: { in_reply_to: 'm1' } });
    expect(() => when(state, other)).toThrow(refused('NOT_A_PARTICIPANT'));
  });
});

describe('the deadline of a task that a fallback may still get', () => {
  const expire = (seconds: number, undelegable: string[] = []) =>
    ask({ type: 'expire', at: at(seconds), idle_since: at(0), undelegable });

  it('ends it only where its message goes on to none', () => {
    const state = given(tutorial(), request(), asks('m2', qa));
    const { events } = when(state, expire(300));
    expect(events).toMatchObject([{ type: 'task_updated', data: { task_id: 'task_m2', status: 'timeout' } }]);
    expect(task(when(state, expire(300, ['task_m1'])).state, 'task_m1').status).toBe('timeout');
  });

  it('ends it as any other once the last fallback has it', () => {
    const state = given(tutorial(), request(), goesOn(frontend));
    expect(decide(state, expire(599))).toEqual([]);
    expect(task(when(state, expire(600)).state, 'task_m1').status).toBe('timeout');
  });
});
