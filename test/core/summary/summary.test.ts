import { describe, expect, it } from 'vitest';
import { summaryMarkdown } from '../../../src/core/summary/markdown.ts';
import { summarize } from '../../../src/core/summary/summary.ts';
import { validatorOf } from '../../../src/schema/registry.ts';
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
  says,
  stranger,
  tutorial,
} from '../session/story.ts';

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
    expect(summary.steps[1]?.results.map(({ agent_id, task_id, result }) => [agent_id, task_id, result])).toEqual([
      [backend, 'task_m1', { branch: 'a' }],
      [frontend, 'task_m2', { branch: 'b' }],
    ]);
    expect(summary.open.map((task) => task.task_id)).toEqual(['task_m3']);
    expect(summary.failed.map((task) => [task.task_id, task.error])).toEqual([['task_m4', { why: 'disk | full' }]]);
  });

  it('times a task from when its agent began, or was asked, to its end', () => {
    const began = says('s1', 'status_update', backend, lead, { at: at(15) });
    const summary = summarize(given(...story.slice(0, 3), began, ...story.slice(3)));
    expect(summary.steps[1]?.results).toMatchObject([
      { task_id: 'task_m1', created_at: at(10), started_at: at(15), ended_at: at(40), duration_ms: 25_000 },
      { task_id: 'task_m2', created_at: at(12), started_at: at(12), ended_at: at(70), duration_ms: 58_000 },
    ]);
    expect(summary.open).toMatchObject([{ task_id: 'task_m3', duration_ms: null }]);
    expect(summary.open[0]).not.toHaveProperty('ended_at');
    expect(summary.agents.map(({ agent_id, working_ms }) => [agent_id, working_ms])).toEqual([
      [lead, 0],
      [backend, 25_000],
      [frontend, 58_000],
      [qa, 0],
    ]);
  });

  it('names retries and fallbacks, and counts the fallback among the agents', () => {
    const retry = ask({ type: 'report_retry', message_id: 'm1', outcome: 'lease_expired', at: at(20) });
    const reason = 'fallback: given up: ill';
    const detour = { delegatee: stranger, reason, deadline: at(300), fallback_agents: [] };
    const goesOn = ask({ type: 'reassign_task', message_id: 'm1', at: at(30), ...detour });
    const done = answers('r1', stranger, { at: at(42), metadata: { in_reply_to: 'm1' } });
    const summary = summarize(given(...story.slice(0, 2), retry, goesOn, done));
    expect(summary).toMatchObject({ retries: 1, steps: [{ retries: 0 }, { retries: 1 }, { retries: 0 }] });
    expect(summary.fallbacks).toEqual([
      { task_id: 'task_m1', step: 'implementation', from: backend, to: stranger, reason, at: at(30) },
    ]);
    expect(summary.agents.at(-1)).toMatchObject({ agent_id: stranger, role: null, working_ms: 12_000, retries: 1 });
    expect(summary.steps[1]?.results).toMatchObject([{ agent_id: stranger, stands_in_for: backend, retries: 1 }]);
  });

  it('lists what the end of the session left undone', () => {
    const end = ask({ type: 'complete_session', at: at(80) });
    const { open, cancelled } = summarize(given(...story, end));
    expect(open).toEqual([]);
    expect(cancelled).toMatchObject([{ task_id: 'task_m3', status: 'cancelled', ended_at: at(80) }]);
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

      Terminated after 1 min 20 s: 2 of 4 tasks completed, 1 failed, 1 cancelled. 1 conflict between results, 1 decision left to make.

      | Fact | Value |
      |---|---|
      | Session | sess\\_1 |
      | State | terminated |
      | Created | 2025-02-02T11:00:00.000Z |
      | Ended | 2025-02-02T11:01:20.000Z |
      | Retries | 0 |
      | Fallbacks | 0 |
      | Synthesis | consensus |

      ## Steps

      | Step | State | Tasks completed | Agents | Duration | Retries |
      |---|---|---|---|---|---|
      | design | pending | 0 of 1 | opencode://backend | 3.0 s | 0 |
      | implementation | completed | 2 of 2 | opencode://backend, codex://frontend | 1 min 0 s | 0 |
      | review | current | 0 of 1 | claude-code://qa | - | 0 |

      ## Agents

      | Agent | Role | Tasks completed | Time at work | Retries |
      |---|---|---|---|---|
      | claude-code://orchestrator | orchestrator | 0 of 0 | 0 ms | 0 |
      | opencode://backend | implementer | 1 of 2 | 30.0 s | 0 |
      | codex://frontend | implementer | 1 of 1 | 58.0 s | 0 |
      | claude-code://qa | reviewer | 0 of 1 | 0 ms | 0 |

      ## Results

      - implementation, implementation: undecided, there is no majority

      ## Conflicts

      - implementation, implementation, branch:
        - "a": opencode://backend (task\\_m1)
        - "b": codex://frontend (task\\_m2)

      ## Failed work

      - design, task: opencode://backend (task\\_m4), failed after 3.0 s

            {
              "why": "disk | full"
            }

      ## Cancelled work

      - review, task: claude-code://qa (task\\_m3), cancelled after 9.0 s

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
      if (line.startsWith('> ')) expect(line.slice(2)).toMatch(/^1\\\. /);
      expect(line.replace(/^> |\\[^\w\s]/g, '')).not.toMatch(/[<>[\]`!]/);
    }
    expect(text).not.toMatch(/^(- )?1\. /m);
    expect(text).not.toMatch(/^```/m);
    expect(text.match(/^# /gm)).toHaveLength(1);
  });
});
