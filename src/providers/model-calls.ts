// Calls to a model through the Vercel AI SDK: one request each, never repeated, every failure a BusError.
import { generateText, streamText } from 'ai';
import type {
  GenerateOptions,
  GenerateRequest,
  GenerateResult,
  StreamPart,
  TokenUsage,
} from '../ports/model-provider.ts';
import { BusError } from '../protocol/errors.ts';
import { Call } from './call.ts';
import { promptOf } from './prompt.ts';
import { createErrorTranslator } from './provider-errors.ts';
import { type ProviderOptions, timeoutOf } from './provider-options.ts';
import type { ReplyLimit } from './reply-limit.ts';
import type { ModelCalls } from './sdk-provider.ts';
import { type SdkModel, withWarnings } from './warnings.ts';

/** @throws BusError CONFIG_INVALID for a wrong timeout */
export function createModelCalls(
  options: ProviderOptions & { name: string; limit: ReplyLimit },
  modelOf: (model: string) => SdkModel,
): ModelCalls {
  const { name, models, apiKey, limit } = options;
  const timeoutMs = timeoutOf(name, options.timeout);
  const toBusError = createErrorTranslator(name, apiKey);
  const cutOff = () => new BusError('PROVIDER_REPLY_CUT_OFF', `The provider ${name} broke its answer off; ask again.`);

  async function generate(request: GenerateRequest, { signal }: GenerateOptions = {}): Promise<GenerateResult> {
    const prompt = promptOf({ name, models }, request);
    const call = new Call(name, timeoutMs, signal);
    try {
      const { model, warnings } = withWarnings(modelOf(request.model));
      const answer = generateText({ ...prompt, model, maxRetries: 0, abortSignal: call.signal });
      const { text, finishReason, usage } = await call.within(answer);
      limit.assertWithin(Buffer.byteLength(text));
      return resultOf(text, finishReason, usage, warnings);
    } catch (error) {
      throw call.failure ?? toBusError(error);
    } finally {
      call.end();
    }
  }

  async function* stream(request: GenerateRequest, { signal }: GenerateOptions = {}): AsyncGenerator<StreamPart, void> {
    const prompt = promptOf({ name, models }, request);
    const call = new Call(name, timeoutMs, signal);
    try {
      const { model, warnings } = withWarnings(modelOf(request.model));
      const once = { maxRetries: 0, abortSignal: call.signal, onError: () => undefined };
      const parts = streamText({ ...prompt, ...once, model }).fullStream[Symbol.asyncIterator]();
      let text = '';
      let bytes = 0;
      for (;;) {
        const { done, value: part } = await call.within(parts.next());
        if (done) throw cutOff();
        if (part.type === 'error') throw toBusError(part.error, true);
        bytes += Buffer.byteLength(wordsOf(part));
        limit.assertWithin(bytes);
        if (part.type === 'text-delta' && part.text !== '') {
          text += part.text;
          yield { type: 'text', text: part.text };
        }
        if (part.type === 'finish') {
          // Every API says why an answer ends; one that ends without was cut off.
          if (part.rawFinishReason === undefined) throw cutOff();
          yield { type: 'result', result: resultOf(text, part.finishReason, part.totalUsage, warnings) };
          return;
        }
      }
    } catch (error) {
      throw call.failure ?? toBusError(error, true);
    } finally {
      call.end();
    }
  }

  return { generate, stream };
}

/** What the SDK keeps of a part: text, and also thoughts and the arguments of tools. */
function wordsOf(part: object): string {
  const { text, delta } = part as { text?: unknown; delta?: unknown };
  const words = text ?? delta;
  return typeof words === 'string' ? words : '';
}

type ToldUsage = { [Key in keyof TokenUsage]: number | undefined };

function resultOf(text: string, finishReason: string, usage: ToldUsage, warnings: readonly string[]): GenerateResult {
  const isKnown = finishReason === 'stop' || finishReason === 'length' || finishReason === 'content-filter';
  const { inputTokens, outputTokens, totalTokens } = usage;
  // The SDK has keys for what was not told as well.
  const told = Object.entries({ inputTokens, outputTokens, totalTokens }).filter(([, count]) => count !== undefined);
  return {
    text,
    finishReason: isKnown ? finishReason : 'other',
    ...(told.length > 0 && { usage: Object.fromEntries(told) }),
    ...(warnings.length > 0 && { warnings: [...warnings] }),
  };
}
