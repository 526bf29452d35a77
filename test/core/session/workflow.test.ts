import { describe, expect, it } from 'vitest';
import { decide } from '../../../src/core/session/decide.ts';
import type { UpdateWorkflow } from '../../../src/protocol/types.gen.ts';
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
  task,
  tutorial,
  when,
} from './story.ts';

const update = (changes: UpdateWorkflow) => ask({ type: 'update_workflow', update: changes });
const advance = ask({ type: 'advance_workflow' });
const standing = (state: ReturnType<typeof given>) => {
  const { current_step, completed_steps, pending_steps } = state.session.workflow;
  return [current_step, completed_steps, pending_steps];
};
const updated = (state: ReturnType<typeof given>, changes: UpdateWorkflow) =>
  standing(when(state, update(changes)).state);

describe('a workflow update', () => {
  it('of the tutorial is taken as it is', () => {
    const changes = { current_step: 'implementation', completed_steps: ['design'], pending_steps: ['review'] };
    const { state, events } = when(given(tutorial()), update(changes));
    expect(events).toEqual([{ type: 'workflow_updated', data: changes }]);
    expect(standing(state)).toEqual(['implementation', ['design'], ['review']]);
  });

  it('of the current step alone puts the old one back', () => {
    expect(updated(given(tutorial()), { current_step: 'review' })).toEqual([
      'review',
      [],
      ['design', 'implementation'],
    ]);
    expect(updated(given(tutorial()), { current_step: null })).toEqual([
      null,
      [],
      ['design', 'implementation', 'review'],
    ]);
  });

  it('of the completed steps alone moves on from a current one among them', () => {
    expect(updated(given(tutorial()), { completed_steps: ['design'] })).toEqual([
      'implementation',
      ['design'],
      ['review'],
    ]);
    const manual = given(tutorial({ auto_advance: false }));
    expect(updated(manual, { completed_steps: ['design'] })).toEqual([null, ['design'], ['implementation', 'review']]);
  });

  it('of the pending steps alone reopens what was completed', () => {
    const state = given(tutorial(), advance);
    expect(updated(state, { pending_steps: ['design'] })).toEqual(['implementation', [], ['design', 'review']]);
    expect(updated(state, { pending_steps: ['implementation'] })).toEqual([
      null,
      ['design'],
      ['implementation', 'review'],
    ]);
  });

  it('may make a completed step current again', () => {
    expect(updated(given(tutorial(), advance), { current_step: 'design' })).toEqual([
      'design',
      [],
      ['implementation', 'review'],
    ]);
  });

  it.each([{ current_step: 'x' }, { completed_steps: ['x'] }, { pending_steps: ['x'] }])(
    'refuses unknown names (%j)',
    (changes) => {
      expect(() => updated(given(tutorial()), changes)).toThrow(refused('UNKNOWN_STEP'));
    },
  );

  it('refuses a step in two places', () => {
    const changes = { current_step: 'design', completed_steps: ['design'] };
    expect(() => updated(given(tutorial()), changes)).toThrow(refused('INVALID_WORKFLOW'));
  });

  it('does not complete a step with open tasks', () => {
    const state = given(tutorial(), asks('m1', backend));
    expect(() => updated(state, { completed_steps: ['implementation'] })).toThrow(refused('STEP_HAS_OPEN_TASKS'));
    const done = given(tutorial(), asks('m1', backend), answers('r1', backend));
    expect(updated(done, { completed_steps: ['implementation'] })).toEqual(['design', ['implementation'], ['review']]);
  });

  it('does not make a step current whose dependencies are not completed', () => {
    const state = given(
      tutorial({
        steps: [
          { name: 'a', required_agents: [] },
          { name: 'b', required_agents: [], dependencies: ['a'] },
        ],
      }),
    );
    expect(() => updated(state, { current_step: 'b' })).toThrow(refused('STEP_NOT_OPEN'));
    expect(updated(state, { current_step: 'b', completed_steps: ['a'] })).toEqual(['b', ['a'], []]);
    const later = given(tutorial({ steps: state.session.workflow.steps }), advance);
    expect(() => updated(later, { completed_steps: [] })).toThrow(refused('STEP_NOT_OPEN'));
  });
});

describe('advancing by hand', () => {
  it('completes the current step and goes on to the next', () => {
    const { state, events } = when(given(tutorial()), advance);
    expect(events).toEqual([
      { type: 'step_completed', data: { step: 'design' } },
      { type: 'workflow_advanced', data: { from: 'design', to: 'implementation' } },
    ]);
    expect(standing(state)).toEqual(['implementation', ['design'], ['review']]);
  });

  it('is refused while the step has open tasks', () => {
    expect(() => when(given(tutorial(), asks('m1', lead)), advance)).toThrow(refused('STEP_HAS_OPEN_TASKS'));
  });

  it('ends with no current step, and then is refused', () => {
    const state = given(tutorial(), advance, advance, advance);
    expect(standing(state)).toEqual([null, ['design', 'implementation', 'review'], []]);
    expect(() => when(state, advance)).toThrow(refused('STEP_NOT_OPEN'));
  });

  it('makes a step current where none is', () => {
    const parked = given(tutorial(), update({ current_step: null }));
    expect(when(parked, advance).events).toEqual([{ type: 'workflow_advanced', data: { from: null, to: 'design' } }]);
  });
});

describe('a step', () => {
  const building = [tutorial(), asks('m1', backend), asks('m2', frontend)];

  it('is completed when every required agent has completed a task in it, and review is next', () => {
    const half = when(given(...building), answers('r1', backend));
    expect(half.types).toEqual(['message_recorded', 'task_updated']);
    const { state, events } = when(half.state, answers('r2', frontend));
    expect(events.slice(2)).toEqual([
      { type: 'step_completed', data: { step: 'implementation' } },
      { type: 'workflow_advanced', data: { from: 'design', to: 'review' } },
    ]);
    // Nobody worked in design: it was passed over, and is still to be done.
    expect(standing(state)).toEqual(['review', ['implementation'], ['design']]);
  });

  it('is not completed while another task in it is open', () => {
    const state = given(...building, asks('m3', backend), answers('r1', backend), answers('r2', frontend));
    expect(state.session.workflow.completed_steps).toEqual([]);
    expect(when(state, answers('r3', backend)).types).toContain('step_completed');
  });

  it('is not completed by a task that failed', () => {
    const state = given(...building, answers('r1', backend), says('e2', 'error', frontend, lead));
    expect(state.session.workflow.completed_steps).toEqual([]);
    const again = given(...building, answers('r1', backend), says('e2', 'error', frontend, lead), asks('m3', frontend));
    expect(when(again, answers('r3', frontend)).types).toContain('step_completed');
  });

  it('is completed when the last open task in it times out and the rest is done', () => {
    const slow = asks('m3', qa, { metadata: { step: 'implementation' }, deadline: at(50) });
    const state = given(...building, slow, answers('r1', backend), answers('r2', frontend));
    const { types, state: after } = when(state, ask({ type: 'expire', at: at(50), idle_since: at(0) }));
    expect(types).toEqual(['task_updated', 'step_completed', 'workflow_advanced']);
    expect(task(after, 'task_m3').status).toBe('timeout');
  });

  it('leaves the current one alone where somebody works in that', () => {
    const state = given(...building, asks('m0', lead), answers('r1', backend));
    const { types, state: after } = when(state, answers('r2', frontend));
    expect(types).toEqual(['message_recorded', 'task_updated', 'step_completed']);
    expect(standing(after)).toEqual(['design', ['implementation'], ['review']]);
  });

  it('leaves the current one alone where that lies behind it', () => {
    const state = given(
      ...building,
      update({ current_step: 'review' }),
      answers('r1', backend),
      answers('r2', frontend),
    );
    expect(standing(state)).toEqual(['review', ['implementation'], ['design']]);
  });

  it('hands over to an earlier one that was left out, and at last to none', () => {
    const review = [asks('m3', qa), answers('r3', qa)];
    const state = given(...building, answers('r1', backend), answers('r2', frontend), ...review);
    expect(standing(state)).toEqual(['design', ['implementation', 'review'], []]);
    const end = when(
      given(...building, answers('r1', backend), answers('r2', frontend), ...review, asks('m4', lead)),
      says('r4', 'task_response', lead, lead),
    );
    expect(end.events.at(-1)).toEqual({ type: 'workflow_advanced', data: { from: 'design', to: null } });
    expect(standing(end.state)).toEqual([null, ['implementation', 'review', 'design'], []]);
  });

  it('waits for its dependencies before it becomes current', () => {
    const steps = [
      { name: 'a', required_agents: [backend] },
      { name: 'c', required_agents: [qa], dependencies: ['b'] },
      { name: 'b', required_agents: [frontend] },
    ];
    const state = given(tutorial({ steps }), asks('m1', backend), answers('r1', backend));
    expect(standing(state)).toEqual(['b', ['a'], ['c']]);
  });

  it('hands over to nobody without autoAdvance', () => {
    const state = given(tutorial({ auto_advance: false }), asks('m1', lead), says('r1', 'task_response', lead, lead));
    expect(standing(state)).toEqual([null, ['design'], ['implementation', 'review']]);
  });

  it('without required agents is completed by hand only', () => {
    const steps = [{ name: 'a', required_agents: [] }];
    const state = given(tutorial({ steps }), asks('m1', qa, { metadata: { step: 'a' } }), answers('r1', qa));
    expect(standing(state)).toEqual(['a', [], []]);
  });

  it('that is reopened is done again by everyone', () => {
    const done = given(
      ...building,
      answers('r1', backend),
      answers('r2', frontend),
      update({ current_step: 'implementation' }),
    );
    const { state } = when(when(done, asks('m3', backend)).state, answers('r3', backend));
    expect(state.session.workflow.completed_steps).toEqual([]);
    const all = when(when(state, asks('m4', frontend)).state, answers('r4', frontend));
    expect(all.types).toContain('step_completed');
  });
});

describe('a task moved by hand', () => {
  const delegate = (changes = {}) =>
    ask({
      type: 'delegate_task',
      task_id: 't1',
      delegatee: qa,
      task_type: 'check',
      priority: 'low',
      deadline: at(60),
      ...changes,
    });
  const move = (status: 'pending' | 'in_progress' | 'completed' | 'failed' | 'cancelled', extra = {}) =>
    ask({ type: 'update_task', task_id: 't1', status, at: at(2), ...extra });

  it('is delegated by the orchestrator and bound like one of a message', () => {
    expect(task(given(tutorial(), delegate()), 't1')).toMatchObject({
      delegator: lead,
      step: 'review',
      message_id: null,
      task_type: 'check',
    });
  });

  it.each([
    ['TASK_EXISTS', [delegate(), delegate()]],
    ['NOT_A_PARTICIPANT', [delegate({ delegatee: 'x://y' })]],
    ['NOT_A_PARTICIPANT', [delegate({ delegator: 'x://y' })]],
    ['UNKNOWN_STEP', [delegate({ step: 'x' })]],
    ['TASK_NOT_FOUND', [move('completed')]],
    ['TASK_ENDED', [delegate(), move('cancelled'), move('completed')]],
    ['VALIDATION_FAILED', [delegate(), move('pending')]],
  ])('is refused with %s', (code, commands) => {
    expect(() => given(tutorial(), ...commands)).toThrow(refused(code));
  });

  it('needs a delegator where there is no orchestrator', () => {
    expect(() => given(tutorial({ orchestrator: null, steps: [] }), delegate())).toThrow(refused('VALIDATION_FAILED'));
    expect(task(given(tutorial({ orchestrator: null, steps: [] }), delegate({ delegator: qa })), 't1').delegator).toBe(
      qa,
    );
  });

  it.each([
    ['in_progress', qa],
    ['completed', qa],
    ['failed', qa],
    ['cancelled', lead],
    ['cancelled', backend],
  ] as const)('is moved to %s by %s', (status, agent_id) => {
    const asked = given(tutorial(), delegate({ delegator: backend }));
    const { events } = when(asked, move(status, { agent_id }));
    expect(events[0]).toEqual({ type: 'task_updated', data: { task_id: 't1', status, by: agent_id } });
  });

  it.each([
    ['in_progress', lead],
    ['completed', backend],
    ['failed', lead],
    ['cancelled', qa],
    ['cancelled', frontend],
    ['completed', 'x://y'],
  ] as const)('is not moved to %s by %s', (status, agent_id) => {
    const asked = given(tutorial(), delegate({ delegator: backend }));
    expect(() => decide(asked, move(status, { agent_id }))).toThrow(refused('FORBIDDEN'));
  });

  it('tells of nobody where none was named', () => {
    expect(when(given(tutorial(), delegate()), move('failed', { error: 'no' })).events[0]).toEqual({
      type: 'task_updated',
      data: { task_id: 't1', status: 'failed', by: null, error: 'no' },
    });
  });

  it('completes its step like one of a message', () => {
    const state = given(tutorial(), delegate(), move('in_progress'));
    const { state: after, types } = when(state, move('completed', { result: { ok: 1 } }));
    expect(types).toEqual(['task_updated', 'step_completed']);
    expect(task(after, 't1')).toMatchObject({ status: 'completed', result: { ok: 1 }, updated_at: at(2) });
  });
});
