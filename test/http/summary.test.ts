import { describe, expect, it } from 'vitest';
import type { SessionEvent, Task } from '../../src/protocol/types.gen.ts';
import { expectProblem } from './start-http.ts';
import { backend, frontend, lead, qa, workThrough } from './summary-story.ts';

const sessionId = 'sess_notifications_2';
const path = `/sessions/${sessionId}/summary`;
const ending = {
  summary: 'Released to 5 % of the users',
  artifacts: ['s3://artifacts/build-42.zip', { pull_request: 118 }],
  synthesis: { strategy: 'confidence' },
};

async function complete() {
  const { call } = await workThrough(sessionId);
  const { status } = await call('POST', `/sessions/${sessionId}/complete`, { body: ending });
  expect(status).toBe(200);
  const { body } = await call('GET', `/sessions/${sessionId}/events?limit=1000`);
  const events: SessionEvent[] = body.items;
  return { call, events, markdown: (await call('GET', `${path}?format=markdown`)).text };
}

type DataOf<T extends SessionEvent['type']> = Extract<SessionEvent, { type: T }>['data'];

/** The events of a type, each with its time; nothing here uses what makes summaries. */
function reader(events: readonly SessionEvent[]) {
  const all = <T extends SessionEvent['type']>(type: T) =>
    events
      .filter((event) => event.type === type)
      .map(({ at, data }) => ({ at: Date.parse(at), data: data as DataOf<T> }));
  const tasks = all('task_delegated').map(({ at, data }) => ({ at, task: data.task }));
  const updates = (id: string) => all('task_updated').filter(({ data }) => data.task_id === id);
  const moves = (id: string) => all('task_reassigned').filter(({ data }) => data.task_id === id);
  const end = (id: string) => updates(id).find(({ data }) => data.status !== 'in_progress');
  return {
    all,
    tasks,
    end,
    status: (id: string) => end(id)?.data.status,
    holder: ({ task_id, delegatee }: Task) => moves(task_id).at(-1)?.data.delegatee ?? delegatee,
    /** From when its holder began, or was asked. */
    took: (id: string, asked: number) => {
      const moved = moves(id).at(-1)?.at;
      const began = updates(id).find(({ at, data }) => data.status === 'in_progress' && at >= (moved ?? 0))?.at;
      return (end(id)?.at ?? 0) - (began ?? moved ?? asked);
    },
    retries: (ids: readonly string[]) => all('task_retried').filter(({ data }) => ids.includes(data.task_id)).length,
  };
}

function inWords(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1000)} s`;
}

interface Contested {
  field: string;
  /** Nobody is surer of one value than of the others. */
  isTie: boolean;
}

/** Fields to which results of one kind of work in one step give different values; confidences as numbers or by field. */
function contestedFields(results: readonly { task: Task; result: unknown }[]): Contested[] {
  const values = new Map<string, Map<string, number>>();
  for (const { task, result } of results) {
    if (typeof result !== 'object' || result === null) continue;
    const { confidence = 0, ...fields } = result as Record<string, unknown>;
    for (const [field, value] of Object.entries(fields)) {
      const key = `${task.step}/${task.task_type}/${field}`;
      const sums = values.get(key) ?? new Map<string, number>();
      const sure = typeof confidence === 'number' ? confidence : ((confidence as Record<string, number>)[field] ?? 0);
      const text = JSON.stringify(value);
      values.set(key, sums.set(text, (sums.get(text) ?? 0) + sure));
    }
  }
  return [...values].flatMap(([field, sums]) => {
    const [first, second] = [...sums.values()].sort((a, b) => b - a);
    return second === undefined ? [] : [{ field, isTie: first === second }];
  });
}

const escaped = (text: string) => text.replace(/[_{}]/g, '\\$&');

describe('the Markdown of a completed session', () => {
  it('is this text', async () => {
    await expect((await complete()).markdown).toMatchFileSnapshot('./summary.md');
  });

  it('has no figure that is not made of events', async () => {
    const { events, markdown } = await complete();
    const { all, tasks, end, status, holder, took, retries } = reader(events);
    const ids = (some: typeof tasks) => some.map(({ task }) => task.task_id);
    const done = (some: typeof tasks) => ids(some).filter((id) => status(id) === 'completed').length;
    const having = (wanted: string) => ids(tasks).filter((id) => status(id) === wanted).length;
    const [created] = all('session_created');
    const [completed] = all('session_completed');
    if (!created || !completed) throw new Error('a session from its beginning to its end');
    const at = (id: string) => tasks.find(({ task }) => task.task_id === id)?.at ?? 0;
    const resultOf = (id: string) => end(id)?.data.result as Record<string, never>;
    const sureOfRisk = [resultOf('task_risk_1'), resultOf('task_risk_2')].map(({ confidence }) => confidence);
    const [low = 0, high = { risk: 0 }] = sureOfRisk as [number?, { risk: number }?];

    const contested = contestedFields(tasks.map(({ task }) => ({ task, result: end(task.task_id)?.data.result })));

    const steps = created.data.steps.map(({ name }) => {
      const inStep = tasks.filter(({ task }) => task.step === name);
      const agents = [...new Set(inStep.map(({ task }) => holder(task)))].join(', ');
      const ends = ids(inStep).filter((id) => /completed|failed/.test(status(id) ?? ''));
      const last = Math.max(...ends.map((id) => end(id)?.at ?? 0));
      const isDone = all('step_completed').some(({ data }) => data.step === name);
      const current = all('workflow_advanced').at(-1)?.data.to === name;
      const time = inWords(last - Math.min(...inStep.map((one) => one.at)));
      const state = isDone ? 'completed' : current ? 'current' : 'pending';
      const cells = [name, state, `${done(inStep)} of ${inStep.length}`, agents, time, retries(ids(inStep))];
      return `| ${cells.join(' | ')} |`;
    });
    const agents = created.data.participants.map(({ agent_id, role }) => {
      const theirs = tasks.filter(({ task }) => holder(task) === agent_id);
      const finished = theirs.filter(({ task }) => status(task.task_id) === 'completed');
      const work = finished.reduce((sum, one) => sum + took(one.task.task_id, one.at), 0);
      return `| ${agent_id} | ${role} | ${done(theirs)} of ${theirs.length} | ${inWords(work)} | ${retries(ids(theirs))} |`;
    });

    const figures = [
      `# ${created.data.name}`,
      `Completed after ${inWords(completed.at - created.at)}: ${having('completed')} of ${tasks.length} tasks completed, `,
      `${having('failed')} failed, ${having('cancelled')} cancelled. `,
      `${contested.length} conflicts between results, ${contested.filter(({ isTie }) => isTie).length} decision left to make.`,
      `> ${completed.data.summary}`,
      `| Session | ${escaped(events[0]?.session_id ?? '')} |`,
      `| Created | ${events[0]?.at} |`,
      `| Ended | ${events.at(-1)?.at} |`,
      `| Retries | ${all('task_retried').length} |`,
      `| Fallbacks | ${all('task_reassigned').length} |`,
      ...steps,
      ...agents,
      `  - ${resultOf('task_build_api').api_version}: ${backend} (${escaped('task_build_api')})`,
      `  - ${resultOf('task_build_page').api_version}: ${frontend} (${escaped('task_build_page')})`,
      `1 of ${new Set([backend, qa]).size} agents: ${qa}; otherwise: ${backend}`,
      `  - risk: ${high.risk} of ${low + high.risk}, ${qa}`,
      `  - "${resultOf('task_risk_1').risk}": ${backend} (${escaped('task_risk_1')})`,
      `  - "${resultOf('task_risk_2').risk}": ${qa} (${escaped('task_risk_2')})`,
      `(${escaped('task_smoke_test')}), failed after ${inWords(took('task_smoke_test', at('task_smoke_test')))}`,
      `(${escaped('task_risk_3')}), cancelled after ${inWords(took('task_risk_3', at('task_risk_3')))}`,
      `        "endpoints": ${resultOf('task_build_api').endpoints},`,
      `        "pages": ${resultOf('task_build_page').pages}`,
      `      ${JSON.stringify(resultOf('task_notes'))}`,
      `        "after_s": ${(end('task_smoke_test')?.data.error as { after_s?: number } | undefined)?.after_s}`,
      `- ${ending.artifacts[0]}`,
      `- ${escaped(JSON.stringify(ending.artifacts[1], null, 1).replace(/\s+/g, ' '))}`,
    ];
    let rest = markdown;
    for (const figure of figures) {
      expect(rest).toContain(figure);
      rest = rest.replace(figure, '');
    }
    expect(rest.split('\n').filter((line) => /\d/.test(line))).toEqual([]);
    expect(retries(ids(tasks))).toBe(1);
    expect(all('task_reassigned')[0]?.data).toMatchObject({ from: qa, delegatee: frontend });
    expect(created.data.orchestrator).toBe(lead);
  });
});

describe('the route of the summary', () => {
  it('answers as JSON or Markdown, as the query says, or else the header', async () => {
    const { call, markdown } = await complete();
    const asMarkdown = { headers: { accept: 'text/markdown' } };
    expect((await call('GET', path, asMarkdown)).text).toBe(markdown);
    expect((await call('GET', `${path}?format=markdown`)).headers['content-type']).toBe('text/markdown; charset=utf-8');
    expect((await call('GET', path)).body.summary.session_id).toBe(sessionId);
    expect((await call('GET', `${path}?format=json`, asMarkdown)).body.summary.session_id).toBe(sessionId);
  });

  it('makes the decisions anew by the strategy that is asked for, and leaves what was kept alone', async () => {
    const { call } = await complete();
    const kept = (await call('GET', path)).text;
    const decide = async (query: string) => {
      const { body } = await call('GET', `${path}?${query}`);
      return body.summary.decisions.map((one: { verdict: string; value?: unknown }) => [one.verdict, one.value]);
    };
    expect(await decide('strategy=consensus')).toEqual([
      ['undecided', undefined],
      ['undecided', undefined],
      ['unanimous', 'Notifications: 3 pages, API 7'],
    ]);
    expect(await decide(`strategy=specialist&specialists=reviewer,${backend}`)).toMatchObject([
      ['decided', { api_version: 7 }],
      ['decided', { risk: 'high' }],
      ['unanimous', 'Notifications: 3 pages, API 7'],
    ]);
    expect(await decide('strategy=manual&selection=task_build_page,task_risk_1')).toMatchObject([
      ['decided', { api_version: 6 }],
      ['decided', { risk: 'low' }],
      ['unanimous', 'Notifications: 3 pages, API 7'],
    ]);
    expect((await call('GET', path)).text).toBe(kept);
  });

  it.each([
    'format=html',
    'strategy=majority',
    'strategy=specialist',
    'strategy=manual&selection=task_risk_3',
    'strategy=manual&selection=task_risk_1,task_risk_2',
    'selection=task_risk_1',
    'strategy=consensus&specialists=reviewer',
    'narrate=',
    'narrate=chat%201',
    'narration=chat_1',
  ])('refuses %s', async (query) => {
    const { call } = await workThrough(sessionId);
    expectProblem(await call('GET', `${path}?${query}`), 400, 'VALIDATION_FAILED');
  });

  it('completes nothing with a selection that does not fit', async () => {
    const { call } = await workThrough(sessionId);
    const synthesis = { strategy: 'manual', selection: ['task_risk_3'] };
    const reply = await call('POST', `/sessions/${sessionId}/complete`, { body: { synthesis } });
    expectProblem(reply, 400, 'VALIDATION_FAILED');
    expect((await call('GET', `/sessions/${sessionId}`)).body.session.state).toBe('active');
  });
});
