// Replies of models: the history goes with every question.
import type { ModelMessage, ModelProvider, TokenUsage as ProviderUsage } from '../ports/model-provider.ts';
import { BusError } from '../protocol/errors.ts';
import type { ModelSettings, TokenUsage } from '../protocol/types.gen.ts';
import type { Answer, Question } from './chat-turns.ts';

/** As many as a question may have, in UTF-16: a model that never stops must not fill the memory. */
const longestReply = 500_000;

/**
 * @throws BusError as `ModelProvider`; PROVIDER_REPLY_CUT_OFF where the reply has no end, PROVIDER_REPLY_INVALID where it
 *   is empty, which no model takes back as its own words, or does not stop
 */
export async function* answerOfModel(provider: ModelProvider, settings: ModelSettings, question: Question): Answer {
  const { model, temperature, maxTokens } = settings;
  const request = {
    model,
    messages: conversation(settings, question),
    ...(temperature !== undefined && { temperature }),
    ...(maxTokens !== undefined && { maxTokens }),
  };
  let length = 0;
  for await (const part of provider.stream(request, { signal: question.signal })) {
    if (part.type === 'text') {
      length += part.text.length;
      if (length > longestReply)
        throw invalidReply(provider, `longer than ${longestReply} characters; set \`maxTokens\``);
      yield part.text;
    } else {
      const { text, finishReason, usage } = part.result;
      if (text.trim() === '') throw invalidReply(provider, 'empty; ask again, or ask something else');
      return { content: text, finish_reason: finishReason, ...(usage && { usage: usageOf(usage) }) };
    }
  }
  throw new BusError('PROVIDER_REPLY_CUT_OFF', `The provider ${provider.name} stopped before its reply was complete.`);
}

function invalidReply({ name }: ModelProvider, text: string): BusError {
  return new BusError('PROVIDER_REPLY_INVALID', `The reply of the provider ${name} is ${text}.`);
}

function conversation({ systemMessage }: ModelSettings, { chat, content }: Question): ModelMessage[] {
  const system: ModelMessage[] = systemMessage === undefined ? [] : [{ role: 'system', content: systemMessage }];
  const said = chat.history.map(({ role, content: text }): ModelMessage => ({ role, content: text }));
  return [...system, ...said, { role: 'user', content }];
}

function usageOf({ inputTokens, outputTokens }: ProviderUsage): TokenUsage {
  return {
    ...(inputTokens !== undefined && { input_tokens: inputTokens }),
    ...(outputTokens !== undefined && { output_tokens: outputTokens }),
  };
}
