import { describe, expect, it } from 'vitest';
import { decide } from '../../../src/core/session/decide.ts';
import { evolve } from '../../../src/core/session/evolve.ts';
import type { SessionEvent } from '../../../src/protocol/types.gen.ts';
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
  stranger,
  task,
  tutorial,
  when,
} from './story.ts';

describe('a new session', () => {
  it('has everyone active, the orchestrator first, and the first step current', () => {
    const { session } = given(tutorial());
    expect(
      session.participants.map(({ agent_id, framework, role, status, join_time }) => [
        agent_id,
        framework,
        role,
        status,
        join_time,
      ]),
    ).toEqual([
      [lead, 'claude-code', 'orchestrator', 'active', at(0)],
      [backend, 'opencode', 'implementer', 'active', at(0)],
      [frontend, 'codex', 'implementer', 'active', at(0)],
      [qa, 'claude-code', 'reviewer', 'active', at(0)],
    ]);
    expect(session.workflow).toMatchObject({
      current_step: 'design',
      completed_steps: [],
      pending_steps: ['implementation', 'review'],
    });
    expect(session).toMatchObject({
      state: 'active',
      version: 1,
      context_version: 1,
      shared_context: { project: 'feature/notifications' },
    });
  });

  it('takes the orchestrator once, also where it is listed', () => {
    const { session } = given(
      tutorial({ participants: [{ agent_id: lead, framework: 'Claude' }, { agent_id: qa }], steps: [] }),
    );
    expect(session.participants.map(({ agent_id, framework, role }) => [agent_id, framework, role])).toEqual([
      [lead, 'Claude', 'orchestrator'],
      [qa, 'claude-code', 'participant'],
    ]);
  });

  it('starts with the first step that waits for no other', () => {
    const steps = [
      { name: 'b', required_agents: [], dependencies: ['a'] },
      { name: 'a', required_agents: [] },
    ];
    expect(given(tutorial({ steps })).session.workflow).toMatchObject({ current_step: 'a', pending_steps: ['b'] });
  });

  it('is refused where there is one already', () => {
    expect(() => when(given(tutorial()), tutorial())).toThrow(refused('SESSION_EXISTS'));
  });

  it('is refused with a participant named twice', () => {
    expect(() => given(tutorial({ participants: [{ agent_id: qa }, { agent_id: qa }] }))).toThrow(
      refused('PARTICIPANT_EXISTS'),
    );
  });

  it('is refused with more participants than the limit', () => {
    expect(() => given(tutorial({ max_participants: 3 }))).toThrow(refused('PARTICIPANT_LIMIT'));
    expect(given(tutorial({ max_participants: 4 })).session.participants).toHaveLength(4);
  });

  it.each([
    [
      'a step named twice',
      [
        { name: 'a', required_agents: [] },
        { name: 'a', required_agents: [] },
      ],
    ],
    ['a required agent that does not take part', [{ name: 'a', required_agents: [stranger] }]],
    ['an unknown dependency', [{ name: 'a', required_agents: [], dependencies: ['b'] }]],
    ['a step that waits for itself', [{ name: 'a', required_agents: [], dependencies: ['a'] }]],
    [
      'a circle',
      [
        { name: 'a', required_agents: [], dependencies: ['b'] },
        { name: 'b', required_agents: [], dependencies: ['a'] },
      ],
    ],
  ])('is refused with %s', (_what, steps) => {
    expect(() => given(tutorial({ steps }))).toThrow(refused('INVALID_WORKFLOW'));
  });
});

describe('a participant', () => {
  const join = (agent_id: string, extra = {}) =>
    ask({ type: 'add_participant', participant: { agent_id, ...extra }, max_participants: 4, at: at(5) });
  const leave = (agent_id: string) => ask({ type: 'remove_participant', agent_id, at: at(4) });

  it('is added once', () => {
    expect(() => when(given(tutorial()), join(qa))).toThrow(refused('PARTICIPANT_EXISTS'));
  });

  it('is refused beyond the limit, which counts the active ones only', () => {
    expect(() => when(given(tutorial()), join(stranger))).toThrow(refused('PARTICIPANT_LIMIT'));
    const { state } = when(given(tutorial(), leave(qa)), join(stranger));
    expect(state.session.participants).toHaveLength(5);
  });

  it('comes back in its old role and is not listed twice', () => {
    const { state } = when(given(tutorial(), leave(qa)), join(qa));
    const entries = state.session.participants.filter((one) => one.agent_id === qa);
    expect(entries).toEqual([
      { agent_id: qa, framework: 'claude-code', role: 'reviewer', status: 'active', join_time: at(5) },
    ]);
  });

  it('that leaves is marked so, and its open tasks are cancelled', () => {
    const { state, events } = when(
      given(tutorial(), asks('m1', backend), asks('m2', frontend), asks('m3', backend)),
      leave(backend),
    );
    expect(events).toEqual([
      { type: 'participant_removed', data: { agent_id: backend, cancelled_tasks: ['task_m1', 'task_m3'] } },
      { type: 'task_updated', data: { task_id: 'task_m1', status: 'cancelled' } },
      { type: 'task_updated', data: { task_id: 'task_m3', status: 'cancelled' } },
    ]);
    expect(state.session.participants.find((one) => one.agent_id === backend)).toMatchObject({
      status: 'left',
      leave_time: at(4),
    });
    expect(task(state, 'task_m2').status).toBe('pending');
  });

  it('that leaves as the last one busy completes the step that the others have done', () => {
    const story = [
      tutorial(),
      asks('m1', backend),
      asks('m2', frontend),
      asks('m3', qa, { metadata: { step: 'implementation' } }),
    ];
    const done = [answers('r1', backend), answers('r2', frontend)];
    const { types } = when(given(...story, ...done), leave(qa));
    expect(types).toEqual(['participant_removed', 'task_updated', 'step_completed', 'workflow_advanced']);
  });

  it('cannot leave twice', () => {
    expect(() => when(given(tutorial(), leave(qa)), leave(qa))).toThrow(refused('PARTICIPANT_NOT_FOUND'));
    expect(() => when(given(tutorial()), leave(stranger))).toThrow(refused('PARTICIPANT_NOT_FOUND'));
  });
});

describe('the shared context', () => {
  const change = (mode: 'merge' | 'replace', context: Record<string, unknown>, expected_version?: number) =>
    ask({ type: 'update_context', mode, context, ...(expected_version ? { expected_version } : {}) });

  it('is replaced or merged, and its version counts the changes', () => {
    const state = given(tutorial(), change('replace', { a: 1, b: 2 }), change('merge', { a: null, c: 3 }));
    expect(state.session).toMatchObject({ shared_context: { b: 2, c: 3 }, context_version: 3 });
    expect(state.session.shared_context).not.toHaveProperty('a');
  });

  it('changes for whoever has seen its version only', () => {
    const state = given(tutorial(), change('merge', { a: 1 }, 1));
    expect(() => when(state, change('merge', { a: 2 }, 1))).toThrow(refused('VERSION_MISMATCH'));
    expect(when(state, change('merge', { a: 2 }, 2)).state.session.context_version).toBe(3);
  });
});

describe('the end', () => {
  const complete = ask({ type: 'complete_session', summary: 'done', artifacts: ['s3://x'], at: at(9) });
  const terminate = ask({ type: 'terminate_session', reason: 'timeout', details: 'Frontend agent offline', at: at(9) });

  it('keeps the summary and the artifacts', () => {
    const { session } = given(tutorial(), complete);
    expect(session).toMatchObject({
      state: 'completed',
      ended_at: at(9),
      outcome: { summary: 'done', artifacts: ['s3://x'] },
    });
  });

  it('keeps the reason and the details as fields', () => {
    const { session } = given(tutorial(), terminate);
    expect(session.state).toBe('terminated');
    expect(session.outcome).toEqual({ reason: 'timeout', details: 'Frontend agent offline' });
  });

  it.each([complete, terminate])('cancels open tasks first ($type)', (end) => {
    const { events } = when(given(tutorial(), asks('m1', backend), asks('m2', qa), answers('r2', qa)), end);
    expect(events[0]).toEqual({ type: 'task_updated', data: { task_id: 'task_m1', status: 'cancelled' } });
    expect(events).toHaveLength(2);
  });

  it('refuses every later command', () => {
    const over = given(tutorial(), asks('m1', backend), complete);
    const later = [
      complete,
      terminate,
      ask({ type: 'add_participant', participant: { agent_id: stranger }, max_participants: 9 }),
      ask({ type: 'remove_participant', agent_id: qa }),
      ask({ type: 'update_workflow', update: { current_step: 'review' } }),
      ask({ type: 'advance_workflow' }),
      ask({ type: 'update_context', mode: 'merge', context: {} }),
      ask({ type: 'update_task', task_id: 'task_m1', status: 'completed' }),
      ask({ type: 'delegate_task', task_id: 't', delegatee: qa, task_type: 'task', priority: 'low', deadline: at(9) }),
      asks('m9', backend),
      answers('r1', backend),
    ];
    for (const command of later) expect(() => decide(over, command), command.type).toThrow(refused('SESSION_ENDED'));
  });

  it('lets reports of the bus pass without a change', () => {
    const over = given(tutorial(), asks('m1', backend), complete);
    expect(decide(over, ask({ type: 'report_dead_message', message_id: 'm1', reason: 'expired' }))).toEqual([]);
    expect(decide(over, ask({ type: 'expire', idle_since: at(99), at: at(99) }))).toEqual([]);
  });

  it('of an idle session comes once', () => {
    const idle = ask({ type: 'expire', idle_since: at(0), at: at(3600) });
    const { state, events } = when(given(tutorial()), idle);
    expect(events).toEqual([{ type: 'session_terminated', data: { reason: 'timeout', cancelled_tasks: [] } }]);
    expect(decide(state, idle)).toEqual([]);
    expect(decide(given(tutorial(), asks('m1', backend, { deadline: at(9999) })), idle)).toEqual([]);
  });
});

describe('an unknown session', () => {
  it('refuses commands and ignores reports', () => {
    expect(() => decide(undefined, asks('m1', backend))).toThrow(refused('SESSION_NOT_FOUND'));
    expect(() => decide(undefined, ask({ type: 'advance_workflow' }))).toThrow(refused('SESSION_NOT_FOUND'));
    expect(decide(undefined, ask({ type: 'expire', idle_since: at(0) }))).toEqual([]);
  });
});

describe('the fold', () => {
  it('counts an event of a type it does not know and ignores it otherwise', () => {
    const state = given(tutorial());
    const unknown = {
      id: '2',
      session_id: 'sess_1',
      at: at(7),
      type: 'vote_taken',
      data: {},
    } as unknown as SessionEvent;
    const after = evolve(state, unknown);
    expect(after).toEqual({ ...state, session: { ...state.session, version: 2, updated_at: at(7) } });
    expect(evolve(undefined, unknown)).toBeUndefined();
  });

  it('ignores news of a task that it does not know or that is over', () => {
    const state = given(tutorial(), asks('m1', qa), answers('r1', qa));
    const header = { id: '99', session_id: 'sess_1', at: at(7), type: 'task_updated' as const };
    expect(evolve(state, { ...header, data: { task_id: 'nobody', status: 'failed' } })?.tasks).toBe(state.tasks);
    const after = evolve(state, { ...header, data: { task_id: 'task_m1', status: 'failed' } });
    expect(after && task(after, 'task_m1').status).toBe('completed');
  });
});
