// Prose about a summary, set apart from what was recorded.
import type { Narrative } from '../../protocol/types.gen.ts';
import { inline } from './markdown-text.ts';

/** A quotation under a heading of its own, which nothing in it can end. */
export function narrativeSection({ chat_id, model, provider, agent_id, content, generated_at }: Narrative): string {
  const author =
    agent_id === undefined
      ? `the model ${inline(model ?? '?')} of ${inline(provider ?? '?')}`
      : `the agent ${inline(agent_id)}`;
  const lines = content.trim().split(/\r\n|[\n\r\u2028\u2029]/);
  return [
    '## Narrative',
    `Written by ${author} in the chat ${inline(chat_id)} at ${generated_at}. It was not checked: only what stands above is from records.`,
    lines.map((line) => `> ${inline(line)}`.trimEnd()).join('\n'),
  ].join('\n\n');
}
