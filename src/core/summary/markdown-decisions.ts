// Results and conflicts for people: what it came to, how, and who says what.
import type {
  Conflict,
  Decision,
  FieldDecision,
  Position,
  SessionSummary,
  Strategy,
} from '../../protocol/types.gen.ts';
import { code, count, inline, json, names, section, stepLabel } from './markdown-text.ts';

/** A value that is longer than this stands in a block of its own. */
const longestInline = 80;

/** Both sections, as far as there is something to tell. */
export function decisionSections({ decisions, conflicts, synthesis }: SessionSummary): string[] {
  return [
    section(
      'Results',
      decisions.map((decision) => decisionBlock(decision, synthesis.strategy)),
    ),
    section('Conflicts', conflicts.map(conflictBlock)),
  ];
}

function decisionBlock(decision: Decision, strategy: Strategy): string {
  const { step, task_type, dissenters, fields } = decision;
  const against = dissenters.length > 0 ? `; otherwise: ${names(dissenters)}` : '';
  const head = `- ${stepLabel(step)}, ${inline(task_type)}: ${wayOf(decision, strategy)}${against}\n`;
  const value = 'value' in decision ? `\n${code(decision.value)}\n` : '';
  const weights = strategy === 'confidence' ? (fields ?? []).map(weightLine) : [];
  // Behind a list the code would be text of its last item.
  return head + value + (weights.length > 0 ? `\n${weights.join('\n')}\n` : '');
}

const chosenBy: Readonly<Record<Strategy, string>> = {
  consensus: 'the majority',
  specialist: 'the specialist',
  confidence: 'the most confidence',
  manual: 'chosen by hand',
};
const undecidedFor: Readonly<Record<Strategy, string>> = {
  consensus: 'undecided, there is no majority',
  specialist: 'undecided, no specialist has answered',
  confidence: 'undecided, the confidences do not tell',
  manual: 'undecided, nothing was chosen',
};

function wayOf({ verdict, supporters, dissenters }: Decision, strategy: Strategy): string {
  if (verdict === 'undecided') return undecidedFor[strategy];
  if (verdict === 'unanimous')
    return supporters.length > 1 ? `agreed by ${names(supporters)}` : `by ${names(supporters)}`;
  const agents = count(supporters.length + dissenters.length, 'agent');
  return `${chosenBy[strategy]}, ${supporters.length} of ${agents}: ${names(supporters)}`;
}

function weightLine({ field, verdict, weight = 0, total_weight = 0, supporters }: FieldDecision): string {
  if (verdict === 'undecided') return `  - ${inline(field)}: undecided`;
  const share = verdict === 'decided' ? `${weight} of ${total_weight}, ` : '';
  return `  - ${inline(field)}: ${share}${names(supporters)}`;
}

function conflictBlock({ step, task_type, field, positions }: Conflict): string {
  const what = field === null ? 'the whole result' : inline(field);
  return [`- ${stepLabel(step)}, ${inline(task_type)}, ${what}:`, ...positions.map(positionBlock)].join('\n');
}

function positionBlock({ value, said_by }: Position): string {
  const who = said_by.map(({ agent_id, task_id }) => `${inline(agent_id)} (${inline(task_id)})`).join(', ');
  const text = json(value);
  if (text.length <= longestInline && !text.includes('\n')) return `  - ${inline(text)}: ${who}`;
  return `  - ${who}:\n\n  ${code(value).replaceAll('\n', '\n  ')}\n`;
}
