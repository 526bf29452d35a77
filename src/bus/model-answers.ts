// Replies of models: the history goes with every question.
import type {
  GenerateResult,
  ModelMessage,
  ModelProvider,
  TokenUsage as ProviderUsage,
} from '../ports/model-provider.ts';
import { BusError } from '../protocol/errors.ts';
import type { ModelSettings, TokenUsage } from '../protocol/types.gen.ts';
import type { Answer, Question, Reply } from './chat-turns.ts';

/**
 * @throws BusError as `ModelProvider`; PROVIDER_REPLY_CUT_OFF where the reply has no end, PROVIDER_FAILED for anything else
 *   that a provider throws: it may hold the key
 */
export async function* answerOfModel(provider: ModelProvider, settings: ModelSettings, question: Question): Answer {
  const { model, temperature, maxTokens } = settings;
  const request = {
    model,
    messages: conversation(settings, question),
    ...(temperature !== undefined && { temperature }),
    ...(maxTokens !== undefined && { maxTokens }),
  };
  try {
    for await (const part of provider.stream(request, { signal: question.signal })) {
      if (part.type === 'text') yield textOf(part.text, provider.name);
      else return replyOf(part.result, provider.name);
    }
  } catch (error) {
    if (error instanceof BusError) throw error;
    throw new BusError('PROVIDER_FAILED', `The provider ${provider.name} failed with an error of its own.`);
  }
  throw new BusError('PROVIDER_REPLY_CUT_OFF', `The provider ${provider.name} stopped before its reply was complete.`);
}

/** Anybody may write a provider: what reaches the log is what the schema of the event allows. */
function replyOf({ text, finishReason, usage }: GenerateResult, provider: string): Reply {
  const content = textOf(text, provider);
  const isTold = typeof finishReason === 'string';
  return { content, ...(isTold && { finish_reason: finishReason }), ...(usage && { usage: usageOf(usage) }) };
}

/** @throws BusError PROVIDER_REPLY_INVALID */
function textOf(text: unknown, provider: string): string {
  if (typeof text === 'string') return text;
  throw new BusError('PROVIDER_REPLY_INVALID', `The reply of the provider ${provider} is no text.`);
}

function conversation({ systemMessage }: ModelSettings, { chat, content }: Question): ModelMessage[] {
  const system: ModelMessage[] = systemMessage === undefined ? [] : [{ role: 'system', content: systemMessage }];
  const said = chat.history.map(({ role, content: text }): ModelMessage => ({ role, content: text }));
  return [...system, ...said, { role: 'user', content }];
}

function usageOf({ inputTokens, outputTokens }: ProviderUsage): TokenUsage {
  return {
    ...(isCount(inputTokens) && { input_tokens: inputTokens }),
    ...(isCount(outputTokens) && { output_tokens: outputTokens }),
  };
}

function isCount(tokens: unknown): tokens is number {
  return Number.isSafeInteger(tokens) && Number(tokens) >= 0;
}
