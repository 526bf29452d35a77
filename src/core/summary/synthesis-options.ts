// How one answer is to be made of several results: what was asked for, checked.
import type { Strategy, SynthesisOptions } from '../../protocol/types.gen.ts';
import { checkedName, invalid } from '../session/names.ts';

const strategies: readonly Strategy[] = ['consensus', 'specialist', 'confidence', 'manual'];
/** Which strategy needs which list; no other takes it. */
const lists = { specialists: 'specialist', selection: 'manual' } as const;
const longest = { specialists: 256, selection: 1000 } as const;

/** Where nobody asked for another. */
export const byConsensus: SynthesisOptions = { strategy: 'consensus' };

/** A copy of what came from outside. @throws BusError VALIDATION_FAILED */
export function checkedSynthesis(value: unknown): SynthesisOptions {
  if (typeof value !== 'object' || value === null) throw invalid('synthesis', 'must be an object');
  const { strategy: named, ...given }: { strategy?: unknown; specialists?: unknown; selection?: unknown } = value;
  const strategy = strategies.find((one) => one === named);
  if (!strategy) throw invalid('synthesis.strategy', `must be one of ${strategies.join(', ')}`);
  const specialists = checkedList(strategy, 'specialists', given.specialists, checkedSpecialist);
  const selection = checkedList(strategy, 'selection', given.selection, (path, id) => checkedName('TaskId', path, id));
  return { strategy, ...(specialists && { specialists }), ...(selection && { selection }) };
}

function checkedList(
  strategy: Strategy,
  name: keyof typeof lists,
  value: unknown,
  check: (path: string, item: unknown) => string,
): string[] | undefined {
  const path = `synthesis.${name}`;
  if (strategy !== lists[name]) {
    if (value === undefined) return undefined;
    throw invalid(path, `belongs to the strategy ${lists[name]}`);
  }
  if (!Array.isArray(value) || value.length === 0 || value.length > longest[name]) {
    throw invalid(path, `must be a list of 1 to ${longest[name]} entries for the strategy ${strategy}`);
  }
  return value.map((item, index) => check(`${path}.${index}`, item));
}

function checkedSpecialist(path: string, item: unknown): string {
  if (typeof item === 'string' && item.includes('://')) return checkedName('AgentId', path, item);
  return checkedName('Role', path, item);
}
