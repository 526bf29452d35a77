import { describe, expect, it } from 'vitest';
import { summarize } from '../../../src/core/session/summary.ts';
import { summaryMarkdown } from '../../../src/core/session/summary-markdown.ts';
import { validatorOf } from '../../../src/schema/registry.ts';
import { answers, ask, asks, at, backend, frontend, given, lead, qa, says, tutorial } from './story.ts';

const payload = { task_type: 'implementation' };
const story = [
  tutorial(),
  asks('m1', backend, { at: at(10), payload }),
  asks('m2', frontend, { at: at(12), payload }),
  answers('r1', backend, { at: at(40), payload: { branch: 'a' } }),
  answers('r2', frontend, { at: at(70), payload: { branch: 'b' } }),
  asks('m3', qa, { at: at(71) }),
  asks('m4', backend, { at: at(72), metadata: { step: 'design' } }),
  says('e4', 'error', backend, lead, { at: at(75), payload: { why: 'disk | full' } }),
];

describe('the summary', () => {
  it('counts, times and names what was recorded', () => {
    const summary = summarize(given(...story));
    expect(summary.tasks).toEqual({ pending: 1, in_progress: 0, completed: 2, failed: 1, timeout: 0, cancelled: 0 });
    expect(summary.duration_ms).toBe(75_000);
    expect(summary.steps.map(({ step, state, agents, duration_ms }) => [step, state, agents, duration_ms])).toEqual([
      ['design', 'pending', [backend], 3000],
      ['implementation', 'completed', [backend, frontend], 60_000],
      ['review', 'current', [qa], null],
    ]);
    expect(summary.steps[1]?.results).toEqual([
      { agent_id: backend, task_id: 'task_m1', task_type: 'implementation', result: { branch: 'a' } },
      { agent_id: frontend, task_id: 'task_m2', task_type: 'implementation', result: { branch: 'b' } },
    ]);
    expect(summary.open.map((task) => task.task_id)).toEqual(['task_m3']);
    expect(summary.failed.map((task) => [task.task_id, task.error])).toEqual([['task_m4', { why: 'disk | full' }]]);
  });

  it('reports results of one kind of work in one step that differ, and only those', () => {
    expect(summarize(given(...story)).conflicts).toEqual([
      { step: 'implementation', task_type: 'implementation', results: summarize(given(...story)).steps[1]?.results },
    ]);
    const agreeing = [
      tutorial(),
      asks('m1', backend, { payload }),
      asks('m2', frontend, { payload }),
      answers('r1', backend, { payload: { a: 1, b: 2 } }),
      answers('r2', frontend, { payload: { b: 2, a: 1 } }),
    ];
    expect(summarize(given(...agreeing)).conflicts).toEqual([]);
    const otherWork = [...agreeing, asks('m3', qa), answers('r3', qa, { payload: 'other' })];
    expect(summarize(given(...otherWork)).conflicts).toEqual([]);
  });

  it('tells the outcome of a session that has ended, and tasks without a step apart', () => {
    const end = ask({ type: 'complete_session', summary: 'done', artifacts: ['s3://x', { n: 1 }], at: at(80) });
    const summary = summarize(given(tutorial({ steps: [] }), asks('m1', qa), end));
    expect(summary).toMatchObject({
      state: 'completed',
      ended_at: at(80),
      duration_ms: 80_000,
      artifacts: ['s3://x', { n: 1 }],
    });
    expect(summary.steps).toMatchObject([{ step: null, state: 'none', tasks: { cancelled: 1 } }]);
  });

  it('has nothing to tell of a session in which nothing happened', () => {
    const summary = summarize(given(tutorial({ steps: [] })));
    expect(summary).toMatchObject({ duration_ms: 0, steps: [], open: [], failed: [], conflicts: [], artifacts: [] });
    expect(summary).not.toHaveProperty('outcome');
  });

  it('fits the schema', () => {
    const validate = validatorOf('SessionSummary');
    expect(validate(summarize(given(...story))), JSON.stringify(validate.errors)).toBe(true);
  });
});

describe('the summary as Markdown', () => {
  it('is this text', () => {
    const end = ask({ type: 'terminate_session', reason: 'timeout', details: 'Frontend agent offline', at: at(80) });
    expect(summaryMarkdown(summarize(given(...story, end)))).toMatchInlineSnapshot(`
      "# sess\\_1

      - Session: sess\\_1
      - State: terminated
      - Created: 2025-02-02T11:00:00.000Z
      - Ended: 2025-02-02T11:01:20.000Z
      - Duration: 80.0 s
      - Tasks: 2 completed, 1 failed, 1 cancelled

      ## Participants

      - claude-code://orchestrator: orchestrator
      - opencode://backend: implementer
      - codex://frontend: implementer
      - claude-code://qa: reviewer

      ## Steps

      | Step | State | Tasks completed | Agents | Duration |
      |---|---|---|---|---|
      | design | pending | 0 of 1 | opencode://backend | 3.0 s |
      | implementation | completed | 2 of 2 | opencode://backend, codex://frontend | 60.0 s |
      | review | current | 0 of 1 | claude-code://qa | - |

      ## Results

      - implementation: implementation by opencode://backend (task\\_m1)

            {
              "branch": "a"
            }

      - implementation: implementation by codex://frontend (task\\_m2)

            {
              "branch": "b"
            }

      ## Conflicts

      - implementation in implementation: different results from opencode://backend, codex://frontend

      ## Failed work

      - design: task by opencode://backend (task\\_m4), failed

            {
              "why": "disk | full"
            }

      ## Outcome

      - Reason: timeout
      - Details:

            "Frontend agent offline"
      "
    `);
  });

  it('lets nothing that agents wrote become markup', () => {
    const evil = '1. <script>alert(1)</script> | [x](y)\n# `h` ![i](j)';
    const name = evil.replace('\n', ' ');
    const steps = [{ name, required_agents: [qa] }];
    const said = { payload: { task_type: evil } };
    const text = summaryMarkdown(
      summarize(
        given(
          tutorial({ name, steps }),
          asks('m1', qa, said),
          answers('r1', qa, { payload: '```\n# out' }),
          ask({ type: 'complete_session', summary: evil, artifacts: [evil] }),
        ),
      ),
    );
    // Every active character stands behind a backslash, but for the document's own.
    for (const line of text.split('\n').filter((one) => one.includes('script'))) {
      expect(line.replace(/\\[^\w\s]/g, '')).not.toMatch(/[<>[\]`!]/);
    }
    expect(text).not.toMatch(/^(- )?1\. /m);
    expect(text).not.toMatch(/^```/m);
    expect(text.match(/^# /gm)).toHaveLength(1);
  });
});
