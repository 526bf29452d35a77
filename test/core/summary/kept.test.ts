import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, execute } from '../../../src/core/session/decide.ts';
import { fold } from '../../../src/core/session/evolve.ts';
import { reportOf } from '../../../src/core/summary/report.ts';
import { ResultAggregator } from '../../../src/core/summary/result-aggregator.ts';
import { summarize } from '../../../src/core/summary/summary.ts';
import type { SessionEvent } from '../../../src/protocol/types.gen.ts';
import { validatorOf } from '../../../src/schema/registry.ts';
import { begin, command, run, withEnd } from '../session/random-story.ts';
import { answers, ask, asks, at, backend, frontend, given, qa, refused, tutorial } from '../session/story.ts';

const secret = 'a text that an agent answered';
const steps = [{ name: 'review', required_agents: [qa] }];
const story = [
  tutorial({ steps }),
  asks('m1', qa),
  asks('m2', frontend, { metadata: { step: 'review' } }),
  answers('r1', qa, { payload: { verdict: secret } }),
];

/** The events of a completed session. */
function completed(synthesis?: { strategy: 'specialist'; specialists: string[] }): SessionEvent[] {
  const extra = [asks('m3', backend, { payload: { task_type: 'task' } }), answers('r3', backend, { payload: 'no' })];
  const end = ask({ type: 'complete_session', at: at(90), artifacts: [secret], ...(synthesis && { synthesis }) });
  const told: SessionEvent[] = [];
  let state: ReturnType<typeof execute>['state'];
  for (const next of [...story, ...extra, end]) {
    const decision = execute(state, next);
    told.push(...decision.events);
    state = decision.state;
  }
  return told;
}

describe('a completed session', () => {
  it('keeps its summary in its last event, without the values that its other events have', () => {
    const last = completed().at(-1);
    expect(last?.type).toBe('session_completed');
    const { report } = (last?.data ?? {}) as { report?: object };
    expect(report).toMatchObject({ state: 'completed', ended_at: at(90), tasks: { completed: 2, cancelled: 1 } });
    expect(JSON.stringify(report)).not.toContain(secret);
    expect(JSON.stringify(summarize(given(...story)))).toContain(secret);
  });

  it('has the summary that was kept, and says how it came about', () => {
    const specialists = { strategy: 'specialist' as const, specialists: [qa] };
    const state = fold(undefined, completed(specialists));
    if (!state) throw new Error('a session');
    expect(summarize(state).synthesis).toEqual(specialists);
    expect(summarize(state)).toEqual(summarize({ ...state, report: reportOf(state, specialists) }));
    const altered = { ...state, report: { ...reportOf(state, specialists), name: 'as it was kept' } };
    expect(summarize(altered).name).toBe('as it was kept');
    expect(summarize(altered, { strategy: 'consensus' }).name).toBe(state.session.name);
  });

  it('shows the values, the artifacts and the outcome beside what was kept', () => {
    const summary = new ResultAggregator(completed()).summary();
    expect(summary.steps[0]?.results[0]?.result).toEqual({ verdict: secret });
    expect(summary.decisions[0]?.value).toEqual({ verdict: secret });
    expect(summary).toMatchObject({ artifacts: [secret], outcome: { artifacts: [secret] } });
    expect(summary.outcome).not.toHaveProperty('report');
  });

  it('is not completed with a selection that does not fit', () => {
    const synthesis = { strategy: 'manual' as const, selection: ['task_m2'] };
    expect(() => decide(given(...story), ask({ type: 'complete_session', synthesis }))).toThrow(
      refused('VALIDATION_FAILED'),
    );
  });
});

describe('the result aggregator', () => {
  it('says the same of the events as the session itself', () => {
    const events = completed();
    const state = fold(undefined, events);
    if (!state) throw new Error('a session');
    const aggregator = new ResultAggregator(events);
    expect(aggregator.summary()).toEqual(summarize(state));
    expect(aggregator.synthesize({ strategy: 'manual', selection: ['task_m1'] })).toEqual(
      summarize(state, { strategy: 'manual', selection: ['task_m1'] }).decisions,
    );
    expect(aggregator.conflicts()).toEqual(summarize(state).conflicts);
    expect(aggregator.markdown()).toContain('2 of 3 tasks completed');
  });

  it('hands out copies', () => {
    const aggregator = new ResultAggregator(completed());
    const before = JSON.stringify(aggregator.summary());
    for (const step of aggregator.summary().steps) step.results.length = 0;
    aggregator.summary().artifacts.push('x');
    Object.assign(aggregator.summary().participants[0] ?? {}, { role: 'x' });
    expect(JSON.stringify(aggregator.summary())).toBe(before);
  });

  it('needs the events from the first on', () => {
    for (const events of [[], completed().slice(1)]) {
      expect(() => new ResultAggregator(events)).toThrow(refused('VALIDATION_FAILED'));
    }
  });

  it.each([
    { strategy: 'majority' },
    { strategy: 'specialist' },
    { strategy: 'specialist', specialists: [] },
    { strategy: 'specialist', specialists: ['://'] },
    { strategy: 'manual' },
    { strategy: 'manual', selection: ['no such task'] },
    { strategy: 'consensus', selection: ['task_m1'] },
    { strategy: 'confidence', specialists: [qa] },
    'consensus',
  ])('refuses %j', (synthesis) => {
    expect(() => new ResultAggregator(completed()).summary(synthesis as never)).toThrow(refused('VALIDATION_FAILED'));
  });
});

describe('whatever happened in a session', () => {
  const stories = fc.oneof(fc.array(command, { maxLength: 60 }), withEnd);
  const strategies = [
    undefined,
    { strategy: 'confidence' as const },
    { strategy: 'specialist' as const, specialists: [qa, 'implementer'] },
  ];

  it('the same events give the same bytes, as JSON and as Markdown, and fit the schema', () => {
    const fits = validatorOf('SessionSummary');
    fc.assert(
      fc.property(stories, (commands) => {
        const { state, events } = commands.reduce(run, begin());
        const aggregator = new ResultAggregator(JSON.parse(JSON.stringify(events)));
        for (const synthesis of strategies) {
          const summary = aggregator.summary(synthesis);
          expect(fits(summary), JSON.stringify(fits.errors)).toBe(true);
          expect(JSON.stringify(summary)).toBe(JSON.stringify(summarize(state, synthesis)));
          expect(aggregator.markdown(synthesis)).toBe(new ResultAggregator(events).markdown(synthesis));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('every task is in one place of the summary, and the counts add up', () => {
    fc.assert(
      fc.property(stories, (commands) => {
        const { events } = commands.reduce(run, begin());
        const asked = events.flatMap(({ type, data }) => (type === 'task_delegated' ? [data.task.task_id] : []));
        const { steps, open, failed, cancelled, tasks, agents } = new ResultAggregator(events).summary();
        const listed = [...steps.flatMap(({ results }) => results), ...open, ...failed, ...cancelled];
        expect(listed.map(({ task_id }) => task_id).sort()).toEqual(asked.sort());
        const sum = (counts: Record<string, number>) => Object.values(counts).reduce((a, b) => a + b, 0);
        expect(sum(tasks)).toBe(asked.length);
        expect(steps.reduce((total, step) => total + sum(step.tasks), 0)).toBe(asked.length);
        expect(agents.reduce((total, agent) => total + sum(agent.tasks), 0)).toBe(asked.length);
      }),
      { numRuns: 200 },
    );
  });
});
