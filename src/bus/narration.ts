// The summary of a session in the words of somebody it has a chat with.
import { narrationRequest } from '../core/summary/narration.ts';
import type { Chat, Narrative, SessionSummary, SynthesisOptions, Timestamp } from '../protocol/types.gen.ts';
import type { SayOptions } from './chat-instance.ts';
import type { Reply } from './chat-turns.ts';

export interface NarrateOptions extends SayOptions {
  /** As for `getSummary`. */
  synthesis?: SynthesisOptions | undefined;
}

/** The figures, and prose about them. */
export interface NarratedSummary {
  summary: SessionSummary;
  narrative: Narrative;
}

/** `ask` says something to whom the chat is with, apart from their conversation. */
export async function narrated(
  summary: SessionSummary,
  { chat_id, partner }: Chat,
  ask: (content: string) => Promise<Reply>,
  now: () => Timestamp,
): Promise<NarratedSummary> {
  const { content, finish_reason, usage } = await ask(narrationRequest(summary));
  const author =
    partner.kind === 'agent'
      ? { agent_id: partner.agent_id }
      : { provider: partner.agent.defaultModel.provider, model: partner.agent.defaultModel.model };
  const how = { ...(finish_reason !== undefined && { finish_reason }), ...(usage && { usage }) };
  return { summary, narrative: { chat_id, ...author, content, generated_at: now(), ...how } };
}
