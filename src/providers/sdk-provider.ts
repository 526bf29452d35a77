// What the three providers share. Its declaration names no type of the AI SDK, so that programs are checked without it.
import type {
  GenerateOptions,
  GenerateRequest,
  GenerateResult,
  ModelProvider,
  StreamPart,
} from '../ports/model-provider.ts';

export type ModelCalls = Pick<ModelProvider, 'generate' | 'stream'>;

/** Shows its name and models only, in JSON and in `console.log`. */
export class SdkProvider implements ModelProvider {
  readonly name: string;
  readonly models?: readonly string[];
  readonly #calls: ModelCalls;

  constructor({ name, models }: { name: string; models?: readonly string[] | undefined }, calls: ModelCalls) {
    this.name = name;
    if (models) this.models = [...models];
    this.#calls = calls;
  }

  generate(request: GenerateRequest, options?: GenerateOptions): Promise<GenerateResult> {
    return this.#calls.generate(request, options);
  }

  stream(request: GenerateRequest, options?: GenerateOptions): AsyncIterable<StreamPart> {
    return this.#calls.stream(request, options);
  }
}
