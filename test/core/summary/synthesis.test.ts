import { describe, expect, it } from 'vitest';
import type { SessionCommand } from '../../../src/core/session/commands.ts';
import { summarize } from '../../../src/core/summary/summary.ts';
import type { SynthesisOptions } from '../../../src/protocol/types.gen.ts';
import {
  answers,
  ask,
  asks,
  at,
  backend,
  createsChat,
  frontend,
  given,
  lead,
  qa,
  refused,
  says,
  startsTurn,
  tutorial,
} from '../session/story.ts';

type Said = readonly [agent: string, result: unknown];

/** Everyone is asked the same in one step, and answers; the ids of the tasks follow the order. */
function told(...said: readonly Said[]): SessionCommand[] {
  return said.flatMap(([agent, result], index) => [
    asks(`m${index}`, agent, { payload: { task_type: 'review' }, metadata: { step: 'design' } }),
    answers(`r${index}`, agent, { payload: result, metadata: { in_reply_to: `m${index}` } }),
  ]);
}

const story = (...said: readonly Said[]) =>
  given(tutorial({ steps: [{ name: 'design', required_agents: [] }] }), ...told(...said));

function decide(synthesis: SynthesisOptions, ...said: readonly Said[]) {
  const { decisions, conflicts } = summarize(story(...said), synthesis);
  expect(decisions).toHaveLength(1);
  return { decision: decisions[0], conflicts };
}

const consensus: SynthesisOptions = { strategy: 'consensus' };
const byConfidence: SynthesisOptions = { strategy: 'confidence' };
const manual = (...selection: string[]): SynthesisOptions => ({ strategy: 'manual', selection });
const bySpecialist = (...specialists: string[]): SynthesisOptions => ({ strategy: 'specialist', specialists });
const every = [consensus, byConfidence, bySpecialist(qa)];

describe('results that do not contradict each other', () => {
  it.each(every)('are agreed on, whatever the order of keys and however sure one is ($strategy)', (synthesis) => {
    const { decision, conflicts } = decide(
      synthesis,
      [backend, { a: 1, b: [2], confidence: 0.2 }],
      [frontend, { b: [2], a: 1, confidence: { a: 1 } }],
    );
    expect(conflicts).toEqual([]);
    expect(decision).toEqual({
      step: 'design',
      task_type: 'review',
      verdict: 'unanimous',
      task_id: 'task_m0',
      value: { a: 1, b: [2] },
      supporters: [backend, frontend],
      dissenters: [],
    });
  });

  it.each(every)('are put together where each says something of its own ($strategy)', (synthesis) => {
    const { decision, conflicts } = decide(synthesis, [backend, { files: 3, ok: true }], [qa, { tests: 12, ok: true }]);
    expect(conflicts).toEqual([]);
    expect(decision).toMatchObject({ verdict: 'unanimous', value: { files: 3, ok: true, tests: 12 }, dissenters: [] });
    expect(decision).not.toHaveProperty('task_id');
    expect(decision?.fields?.map(({ field, task_id }) => [field, task_id])).toEqual([
      ['files', 'task_m0'],
      ['ok', 'task_m0'],
      ['tests', 'task_m1'],
    ]);
  });

  it('may be nothing at all', () => {
    expect(decide(consensus, [backend, null], [qa, null]).decision).toMatchObject({
      verdict: 'unanimous',
      value: null,
    });
    expect(decide(consensus, [backend, {}], [qa, {}]).decision).toMatchObject({ verdict: 'unanimous', value: {} });
  });

  it('of other work, or of another step, are another question', () => {
    const elsewhere = [asks('m8', qa, { payload: { task_type: 'other' } }), answers('r8', qa, { payload: 'no' })];
    const { decisions, conflicts } = summarize(
      given(tutorial({ steps: [{ name: 'design', required_agents: [] }] }), ...told([backend, 'yes']), ...elsewhere),
    );
    expect(conflicts).toEqual([]);
    expect(decisions.map(({ step, task_type, value }) => [step, task_type, value])).toEqual([
      ['design', 'review', 'yes'],
      [null, 'other', 'no'],
    ]);
  });
});

describe('a conflict', () => {
  it('is about the field in which results differ, with all who said what', () => {
    const { conflicts } = decide(
      consensus,
      [backend, { branch: 'a', files: 3 }],
      [frontend, { branch: 'b', files: 3 }],
      [qa, { branch: 'a' }],
    );
    expect(conflicts).toEqual([
      {
        step: 'design',
        task_type: 'review',
        field: 'branch',
        positions: [
          {
            value: 'a',
            said_by: [
              { agent_id: backend, task_id: 'task_m0' },
              { agent_id: qa, task_id: 'task_m2' },
            ],
          },
          { value: 'b', said_by: [{ agent_id: frontend, task_id: 'task_m1' }] },
        ],
      },
    ]);
  });

  it('is about the whole where one of the results is no object, or they have too many fields', () => {
    const { conflicts } = decide(consensus, [backend, 'yes'], [qa, { ok: true }]);
    expect(conflicts.map(({ field, positions }) => [field, positions.map(({ value }) => value)])).toEqual([
      [null, ['yes', { ok: true }]],
    ]);
    const many = (extra: number) => Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`f${i}`, i + extra]));
    expect(decide(byConfidence, [backend, many(0)], [qa, many(1)]).conflicts.map(({ field }) => field)).toEqual([null]);
  });

  it('is not with what the agent itself said before: it was asked again', () => {
    const { decision, conflicts } = decide(consensus, [backend, 'a'], [qa, 'b'], [backend, 'b']);
    expect(conflicts).toEqual([]);
    expect(decision).toMatchObject({ verdict: 'unanimous', value: 'b', supporters: [qa, backend] });
  });
});

describe('consensus', () => {
  it('is what more than half of the agents say', () => {
    const { decision } = decide(consensus, [lead, { v: 2 }], [backend, { v: 1 }], [frontend, { v: 1 }]);
    expect(decision).toMatchObject({
      verdict: 'decided',
      task_id: 'task_m1',
      value: { v: 1 },
      supporters: [backend, frontend],
      dissenters: [lead],
    });
  });

  it('is not reached by half of them, nor by the most', () => {
    const undecided = { step: 'design', task_type: 'review', verdict: 'undecided', supporters: [], dissenters: [] };
    expect(decide(consensus, [backend, 1], [qa, 2]).decision).toEqual(undecided);
    expect(decide(consensus, [lead, 1], [backend, 1], [frontend, 2], [qa, 3]).decision).toEqual(undecided);
  });
});

describe('the specialist', () => {
  const said: Said[] = [
    [backend, 'a'],
    [frontend, 'b'],
    [qa, 'c'],
  ];

  it('is the first of the list who says anything, by id or by role', () => {
    expect(decide(bySpecialist(lead, frontend, qa), ...said).decision).toMatchObject({
      verdict: 'decided',
      value: 'b',
      supporters: [frontend],
      dissenters: [backend, qa],
    });
    expect(decide(bySpecialist('orchestrator', 'reviewer', backend), ...said).decision).toMatchObject({ value: 'c' });
  });

  it('decides nothing where none of them has answered', () => {
    expect(decide(bySpecialist(lead, 'nobody'), ...said).decision).toMatchObject({ verdict: 'undecided' });
  });
});

describe('what a fallback says in the place of another agent', () => {
  const asked = (id: string, agent: string) => asks(id, agent, { payload: { task_type: 'review' } });
  const handover = { reason: 'fallback: offline', deadline: at(300), fallback_agents: [] };
  /** Of the backend's task m1 the frontend gives the result, and one of its own beside it. */
  const state = given(
    tutorial({ steps: [] }),
    asked('m1', backend),
    ask({ type: 'reassign_task', message_id: 'm1', delegatee: frontend, ...handover }),
    answers('r1', frontend, { payload: 'yes', metadata: { in_reply_to: 'm1' } }),
    asked('m2', frontend),
    answers('r2', frontend, { payload: 'no', metadata: { in_reply_to: 'm2' } }),
    asked('m3', qa),
    answers('r3', qa, { payload: 'yes' }),
  );

  it('counts for that one, beside what the fallback says for itself', () => {
    const { decisions, conflicts } = summarize(state, consensus);
    expect(decisions).toMatchObject([
      { verdict: 'decided', value: 'yes', supporters: [backend, qa], dissenters: [frontend] },
    ]);
    const sources = conflicts[0]?.positions.map(({ said_by }) => said_by.map((one) => Object.values(one)));
    expect(sources).toEqual([
      [
        [backend, 'task_m1'],
        [qa, 'task_m3'],
      ],
      [[frontend, 'task_m2']],
    ]);
  });

  it.each([
    [backend, 'yes'],
    [frontend, 'no'],
    ['implementer', 'yes'],
  ])('is that of the specialist that was asked: of %s %s', (specialist, value) => {
    const { decisions } = summarize(state, bySpecialist(specialist));
    expect(decisions).toMatchObject([{ verdict: 'decided', value }]);
  });
});

describe('confidence', () => {
  it('decides field by field, on texts and objects as on numbers, by the sum behind each value', () => {
    const { decision } = decide(
      byConfidence,
      [backend, { branch: 'a', plan: { x: 1 }, hours: 3, confidence: 0.9 }],
      [frontend, { branch: 'b', plan: { x: 2 }, hours: 3, confidence: { branch: 0.5, plan: 1 } }],
      [qa, { branch: 'b', confidence: 0.5 }],
    );
    expect(decision).toEqual({
      step: 'design',
      task_type: 'review',
      verdict: 'decided',
      value: { branch: 'b', plan: { x: 2 }, hours: 3 },
      supporters: [frontend, qa],
      dissenters: [backend],
      fields: [
        {
          field: 'branch',
          verdict: 'decided',
          task_id: 'task_m1',
          value: 'b',
          supporters: [frontend, qa],
          dissenters: [backend],
          weight: 1,
          total_weight: 1.9,
        },
        {
          field: 'plan',
          verdict: 'decided',
          task_id: 'task_m1',
          value: { x: 2 },
          supporters: [frontend],
          dissenters: [backend],
          weight: 1,
          total_weight: 1.9,
        },
        {
          field: 'hours',
          verdict: 'unanimous',
          task_id: 'task_m0',
          value: 3,
          supporters: [backend, frontend],
          dissenters: [],
          weight: 0.9,
          total_weight: 0.9,
        },
      ],
    });
  });

  it('leaves a field open where two values weigh the same, and decides the others', () => {
    const { decision } = decide(
      byConfidence,
      [backend, { a: 1, b: 1, confidence: { a: 0.3, b: 0.9 } }],
      [frontend, { a: 2, b: 2, confidence: 0.1 }],
      [qa, { a: 2, confidence: 0.2 }],
    );
    // 0.1 + 0.2 is 0.3 here.
    expect(decision).toMatchObject({ verdict: 'undecided', value: { b: 1 } });
    expect(decision?.fields?.map(({ field, verdict }) => [field, verdict])).toEqual([
      ['a', 'undecided'],
      ['b', 'decided'],
    ]);
  });

  it('that is not stated, or is none, weighs nothing', () => {
    for (const confidence of [-1, 2, 'high', null, { a: 7 }]) {
      const { decision } = decide(byConfidence, [backend, { a: 1, confidence }], [qa, { a: 2, confidence: 0.01 }]);
      expect(decision?.fields?.[0], JSON.stringify(confidence)).toMatchObject({ value: 2, weight: 0.01 });
    }
    expect(decide(byConfidence, [backend, { a: 1 }], [qa, { a: 2 }]).decision).toMatchObject({ verdict: 'undecided' });
    expect(decide(byConfidence, [backend, 1], [qa, 2]).decision).toMatchObject({ verdict: 'undecided' });
  });

  it('keeps a field whatever it is called', () => {
    const result = JSON.parse('{ "__proto__": 1, "constructor": 2, "confidence": { "__proto__": 0.5 } }');
    const { decision } = decide(byConfidence, [backend, result], [qa, JSON.parse('{ "__proto__": 3 }')]);
    expect(JSON.stringify(decision?.value)).toBe('{"__proto__":1,"constructor":2}');
  });
});

describe('a selection', () => {
  it('stands, also where the agent has said something else since', () => {
    const { decision } = decide(manual('task_m0'), [backend, 'a'], [qa, 'b'], [backend, 'c']);
    expect(decision).toMatchObject({ verdict: 'decided', task_id: 'task_m0', value: 'a', supporters: [] });
  });

  it('leaves open what it does not name, unless all agree', () => {
    const state = given(
      tutorial({ steps: [] }),
      asks('m7', qa),
      answers('r7', qa, { payload: 1 }),
      asks('m8', backend),
      answers('r8', backend, { payload: 2 }),
      asks('m9', frontend, { payload: { task_type: 'other' } }),
      answers('r9', frontend, { payload: 3 }),
    );
    expect(summarize(state, manual('task_m9')).decisions.map(({ verdict, value }) => [verdict, value])).toEqual([
      ['undecided', undefined],
      ['decided', 3],
    ]);
  });

  it('of what was said in a chat is refused: it answers nothing that was asked in common', () => {
    const asked = { metadata: { task_id: 'turn_1' } };
    const state = given(
      tutorial(),
      createsChat('chat_1'),
      startsTurn('chat_1', 'turn_1'),
      says('turn_1', 'task_request', 'chat://chat_1', backend, asked),
      says('r1', 'task_response', backend, 'chat://chat_1', asked),
    );
    expect(() => summarize(state, manual('turn_1'))).toThrow(refused('VALIDATION_FAILED'));
  });

  it.each([['task_m9'], ['task_m0', 'task_m1']])('of %s is refused', (...selection) => {
    const state = given(tutorial(), ...told([backend, 1], [qa, 2]), asks('m9', frontend));
    expect(() => summarize(state, manual(...selection))).toThrow(refused('VALIDATION_FAILED'));
  });
});
