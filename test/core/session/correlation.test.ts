import { describe, expect, it } from 'vitest';
import { decide } from '../../../src/core/session/decide.ts';
import { taskOfMessage } from '../../../src/core/session/state.ts';
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

const chain = tutorial({
  steps: [
    { name: 'design', required_agents: [lead, backend] },
    { name: 'build', required_agents: [backend], dependencies: ['design'] },
    { name: 'ship', required_agents: [qa], dependencies: ['build'] },
  ],
});

describe('a request', () => {
  it('becomes a task with what the message says', () => {
    const said = { payload: { task_type: 'implementation' }, priority: 'high' as const, deadline: at(301) };
    const { state, types } = when(given(tutorial()), asks('m1', backend, said));
    expect(types).toEqual(['message_recorded', 'task_delegated']);
    expect(task(state, 'task_m1')).toEqual({
      task_id: 'task_m1',
      session_id: 'sess_1',
      step: 'implementation',
      message_id: 'm1',
      delegator: lead,
      delegatee: backend,
      task_type: 'implementation',
      status: 'pending',
      priority: 'high',
      created_at: at(1),
      updated_at: at(1),
      deadline: at(301),
    });
    expect(taskOfMessage(state, 'm1')).toEqual({ task_id: 'task_m1', session_id: 'sess_1', step: 'implementation' });
  });

  it('takes the id of the task from its metadata, once', () => {
    const state = given(tutorial(), asks('m1', backend, { metadata: { task_id: 't1' } }));
    expect(task(state, 't1').message_id).toBe('m1');
    expect(() => when(state, asks('m2', qa, { metadata: { task_id: 't1' } }))).toThrow(refused('TASK_EXISTS'));
  });

  it.each([[undefined], [7], [{}], [{ task_type: 7 }], [{ task_type: '' }], [null]])(
    'with the payload %j is of the type task',
    (payload) => {
      expect(task(given(tutorial(), asks('m1', qa, { payload })), 'task_m1').task_type).toBe('task');
    },
  );

  it('recorded twice is recorded once, also after the end', () => {
    const state = given(tutorial(), asks('m1', backend));
    expect(decide(state, asks('m1', backend))).toEqual([]);
    const over = given(tutorial(), asks('m1', backend), ask({ type: 'complete_session' }));
    expect(decide(over, asks('m1', backend))).toEqual([]);
  });

  it('comes from an active participant only; its recipient need not be one', () => {
    expect(() => when(given(tutorial()), says('m1', 'task_request', stranger, qa))).toThrow(
      refused('NOT_A_PARTICIPANT'),
    );
    const left = given(tutorial(), ask({ type: 'remove_participant', agent_id: qa }));
    expect(() => when(left, says('m1', 'task_request', qa, lead))).toThrow(refused('NOT_A_PARTICIPANT'));
    expect(task(when(left, asks('m1', stranger)).state, 'task_m1').step).toBeNull();
  });
});

describe('the step of a request', () => {
  const stepOf = (state: ReturnType<typeof given>, to: string, step?: string) =>
    task(when(state, asks('m9', to, step ? { metadata: { step } } : {})).state, 'task_m9').step;

  it('is the one it names, if that is open', () => {
    expect(stepOf(given(tutorial()), qa, 'implementation')).toBe('implementation');
    expect(() => stepOf(given(tutorial()), qa, 'nowhere')).toThrow(refused('UNKNOWN_STEP'));
    expect(() => stepOf(given(chain), backend, 'build')).toThrow(refused('STEP_NOT_OPEN'));
    const done = given(tutorial(), ask({ type: 'advance_workflow' }));
    expect(() => stepOf(done, lead, 'design')).toThrow(refused('STEP_NOT_OPEN'));
  });

  it('is else the current one where the recipient is required', () => {
    const state = given(
      tutorial({
        steps: [
          { name: 'a', required_agents: [qa] },
          { name: 'b', required_agents: [qa] },
        ],
      }),
      ask({ type: 'update_workflow', update: { current_step: 'b' } }),
    );
    expect(stepOf(state, qa)).toBe('b');
  });

  it('is else the first open one that requires it', () => {
    expect(stepOf(given(tutorial()), frontend)).toBe('implementation');
    expect(stepOf(given(chain), backend)).toBe('design');
  });

  it('is else none', () => {
    expect(stepOf(given(chain), qa)).toBeNull();
    expect(stepOf(given(tutorial({ steps: [] })), qa)).toBeNull();
  });
});

describe('an answer', () => {
  const open = given(tutorial(), asks('m1', backend), asks('m2', backend));
  const statuses = (state: ReturnType<typeof given>) => [task(state, 'task_m1').status, task(state, 'task_m2').status];

  it('with the session alone is for the oldest open task between the two', () => {
    const { state, events } = when(open, answers('r1', backend, { payload: { ok: true } }));
    expect(events).toEqual([
      {
        type: 'message_recorded',
        data: {
          message_id: 'r1',
          message_type: 'task_response',
          sender: backend,
          recipient: lead,
          task_id: 'task_m1',
          step: 'implementation',
        },
      },
      {
        type: 'task_updated',
        data: { task_id: 'task_m1', status: 'completed', message_id: 'r1', result: { ok: true } },
      },
    ]);
    expect(statuses(state)).toEqual(['completed', 'pending']);
    expect(statuses(when(state, answers('r2', backend)).state)).toEqual(['completed', 'completed']);
  });

  it('finds its task by task_id or by in_reply_to', () => {
    expect(statuses(when(open, answers('r1', backend, { metadata: { task_id: 'task_m2' } })).state)).toEqual([
      'pending',
      'completed',
    ]);
    expect(statuses(when(open, answers('r1', backend, { metadata: { in_reply_to: 'm2' } })).state)).toEqual([
      'pending',
      'completed',
    ]);
    const both = { task_id: 'unknown', in_reply_to: 'm2' };
    expect(statuses(when(open, answers('r1', backend, { metadata: both })).state)).toEqual(['pending', 'completed']);
  });

  it('that names something else moves nothing', () => {
    const { state, events } = when(open, answers('r1', backend, { metadata: { in_reply_to: 'other' } }));
    expect(statuses(state)).toEqual(['pending', 'pending']);
    expect(events).toEqual([
      {
        type: 'message_recorded',
        data: { message_id: 'r1', message_type: 'task_response', sender: backend, recipient: lead },
      },
    ]);
    expect(taskOfMessage(state, 'r1')).toBeUndefined();
  });

  it('from somebody who was not asked moves nothing', () => {
    expect(statuses(when(open, answers('r1', frontend, { metadata: { task_id: 'task_m1' } })).state)).toEqual([
      'pending',
      'pending',
    ]);
    expect(statuses(when(open, answers('r1', frontend)).state)).toEqual(['pending', 'pending']);
    expect(statuses(when(open, says('r1', 'task_response', backend, qa)).state)).toEqual(['pending', 'pending']);
  });

  it('of progress starts the task, once', () => {
    const progress = (id: string) => says(id, 'status_update', backend, lead);
    const { state, types } = when(open, progress('s1'));
    expect(types).toEqual(['message_recorded', 'task_updated']);
    expect(statuses(state)).toEqual(['in_progress', 'pending']);
    expect(when(state, progress('s2')).types).toEqual(['message_recorded']);
  });

  it('of error fails it', () => {
    const { state } = when(open, says('e1', 'error', backend, lead, { payload: { why: 'no' } }));
    expect(task(state, 'task_m1')).toMatchObject({ status: 'failed', error: { why: 'no' } });
  });

  it('recorded twice moves one task', () => {
    const { state } = when(open, answers('r1', backend));
    expect(decide(state, answers('r1', backend))).toEqual([]);
  });

  it.each([[{}], [{ metadata: { task_id: 'task_m1' } }], [{ metadata: { in_reply_to: 'm1' } }]])(
    'to a task that is over is late and changes nothing (%j)',
    (said) => {
      const timedOut = given(tutorial(), asks('m1', backend), ask({ type: 'expire', at: at(300), idle_since: at(0) }));
      const { state, types } = when(timedOut, answers('r1', backend, { ...said, at: at(301), payload: 'late' }));
      expect(types).toEqual(['message_recorded', 'task_answered_late']);
      expect(task(state, 'task_m1')).toEqual({
        ...task(timedOut, 'task_m1'),
        late: [{ message_id: 'r1', message_type: 'task_response', at: at(301) }],
      });
      expect(taskOfMessage(state, 'r1')?.task_id).toBe('task_m1');
    },
  );

  it('of progress that finds nothing open is just a message', () => {
    const done = given(tutorial(), asks('m1', backend), answers('r1', backend));
    expect(when(done, says('s1', 'status_update', backend, lead)).types).toEqual(['message_recorded']);
  });

  it('of a heartbeat is never recorded', () => {
    expect(decide(open, says('h1', 'heartbeat', backend, lead))).toEqual([]);
  });
});

describe('a dead letter', () => {
  const open = given(tutorial(), asks('m1', backend));
  const dies = (reason: string, message_id = 'm1') => ask({ type: 'report_dead_message', message_id, reason });

  it('that expired times its task out', () => {
    expect(task(when(open, dies('expired')).state, 'task_m1').status).toBe('timeout');
  });

  it('for any other reason fails it with the reason', () => {
    const { state } = when(open, dies('retries used up'));
    expect(task(state, 'task_m1')).toMatchObject({
      status: 'failed',
      error: { code: 'DELIVERY_FAILED', reason: 'retries used up' },
    });
  });

  it('of an answer, of an unknown message or of a task that is over changes nothing', () => {
    const answered = given(tutorial(), asks('m1', backend), asks('m2', backend), answers('r1', backend));
    for (const id of ['r1', 'unknown', 'm1']) expect(decide(answered, dies('expired', id)), id).toEqual([]);
  });
});
