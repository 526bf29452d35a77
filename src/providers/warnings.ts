// Collects what a model could not do as it was asked; the SDK would print that to the console of the program.
import { wrapLanguageModel } from 'ai';

export type SdkModel = Parameters<typeof wrapLanguageModel>[0]['model'];

interface Warning {
  type: string;
  feature?: string;
  details?: string;
  message?: string;
}

/** The same model; `warnings` fills while it answers. */
export function withWarnings(bare: SdkModel) {
  const warnings: string[] = [];
  const take = (found: readonly Warning[]): [] => {
    for (const { type, feature, details, message } of found) {
      warnings.push(message ?? [feature ?? type, details ?? 'is not supported by the model'].join(': '));
    }
    return [];
  };
  const model = wrapLanguageModel({
    model: bare,
    middleware: {
      specificationVersion: 'v3',
      wrapGenerate: async ({ doGenerate }) => {
        const result = await doGenerate();
        return { ...result, warnings: take(result.warnings) };
      },
      wrapStream: async ({ doStream }) => {
        const result = await doStream();
        const silence = new TransformStream<StreamPartOf<typeof result>, StreamPartOf<typeof result>>({
          transform: (part, controller) =>
            controller.enqueue(part.type === 'stream-start' ? { ...part, warnings: take(part.warnings) } : part),
        });
        return { ...result, stream: result.stream.pipeThrough(silence) };
      },
    },
  });
  return { model, warnings };
}

type StreamPartOf<Result> = Result extends { stream: ReadableStream<infer Part> } ? Part : never;
