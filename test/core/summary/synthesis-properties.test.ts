import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { weighField } from '../../../src/core/summary/confidence.ts';
import { majority } from '../../../src/core/summary/consensus.ts';
import { contentOf } from '../../../src/core/summary/content.ts';
import type { Answer, Question } from '../../../src/core/summary/questions.ts';

function question(results: readonly unknown[]): Question {
  const answers = results.map(
    (result, index): Answer => ({ agent_id: `a://${index}`, task_id: `t${index}`, result, content: contentOf(result) }),
  );
  return { step: null, task_type: 'task', answers };
}

const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, inner) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

/** Few enough values that some are the same. */
const value = fc.constantFrom<unknown>(0, 'a', null, [1], { x: 1, y: 2 }, { y: 2, x: 1 }, { x: 2 });
const confidence = fc.integer({ min: 0, max: 1000 }).map((thousandths) => thousandths / 1000);
const weighted = fc.array(fc.record({ v: value, confidence }), { minLength: 1, maxLength: 8 });

describe('consensus', () => {
  it('is the value that more than half give, in whatever order, and none otherwise', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 9 }), (results) => {
        const votes = new Map<string, number>();
        for (const result of results) votes.set(canonical(result), (votes.get(canonical(result)) ?? 0) + 1);
        const [winner] = [...votes].find(([, count]) => count > results.length / 2) ?? [];
        const found = majority(question(results));
        expect(found && canonical(found.content)).toBe(winner);
        const turned = majority(question([...results].reverse()));
        expect(turned && canonical(turned.content)).toBe(winner);
      }),
    );
  });
});

describe('confidence', () => {
  it('chooses the value with the largest sum, whatever the order, and none where two have it', () => {
    fc.assert(
      fc.property(weighted, (results) => {
        const sums = new Map<string, number>();
        for (const { v, confidence: sure } of results) {
          sums.set(canonical(v), (sums.get(canonical(v)) ?? 0) + Math.round(sure * 1000));
        }
        const most = Math.max(...sums.values());
        const winners = [...sums].filter(([, sum]) => sum === most).map(([text]) => text);
        const asked = question(results);
        for (const order of [asked, { ...asked, answers: [...asked.answers].reverse() }]) {
          const { verdict, task_id, weight, total_weight } = weighField(order, 'v');
          const chosen = results[Number(task_id?.slice(1))]?.v;
          if (winners.length > 1) expect(verdict).toBe('undecided');
          else expect([canonical(chosen), weight]).toEqual([winners[0], most / 1000]);
          expect(total_weight).toBe(results.reduce((sum, one) => sum + Math.round(one.confidence * 1000), 0) / 1000);
        }
      }),
    );
  });

  it('divides those who name the field into those for and those against', () => {
    fc.assert(
      fc.property(weighted, (results) => {
        const { verdict, supporters, dissenters } = weighField(question(results), 'v');
        expect([...supporters, ...dissenters].sort()).toEqual(results.map((_, index) => `a://${index}`).sort());
        if (verdict === 'undecided') expect(supporters).toEqual([]);
        if (verdict === 'unanimous') expect(dissenters).toEqual([]);
      }),
    );
  });

  it('raised for a value that was chosen leaves it chosen', () => {
    fc.assert(
      fc.property(weighted, (results) => {
        const before = weighField(question(results), 'v');
        if (before.verdict !== 'decided') return;
        const surer = results.map((result, index) =>
          before.supporters.includes(`a://${index}`) ? { ...result, confidence: 1 } : result,
        );
        expect(weighField(question(surer), 'v')).toMatchObject({ task_id: before.task_id, verdict: 'decided' });
      }),
    );
  });
});
