// What the bus asks of a provider of AI models. Anybody may implement it.

export interface ModelMessage {
  /** A `system` message may only stand first. */
  role: 'system' | 'user' | 'assistant';
  content: string;
}

export interface GenerateRequest {
  /** The provider's name of the model. */
  model: string;
  /** The whole conversation, oldest first; at least one message that is not `system`. */
  messages: readonly ModelMessage[];
  /** The provider's default where left out. */
  temperature?: number;
  /** Longest answer in tokens; the provider's default where left out. */
  maxTokens?: number;
}

/** As far as the provider told it. */
export interface TokenUsage {
  inputTokens?: number;
  outputTokens?: number;
  totalTokens?: number;
}

export interface GenerateResult {
  /** All of the answer. Empty where the model said nothing. */
  text: string;
  /** `length`: the answer was longer than allowed and ends in the middle. */
  finishReason: 'stop' | 'length' | 'content-filter' | 'other';
  usage?: TokenUsage;
  /** What of the request did not reach the model as it was asked for, in words. */
  warnings?: readonly string[];
}

export type StreamPart = { type: 'text'; text: string } | { type: 'result'; result: GenerateResult };

export interface GenerateOptions {
  /** Ends the call with PROVIDER_ABORTED. */
  signal?: AbortSignal | undefined;
}

/**
 * A call sends one request and never repeats it. It ends with a result or a BusError:
 * VALIDATION_FAILED and UNKNOWN_MODEL before anything is sent; PROVIDER_UNAUTHORIZED, PROVIDER_RATE_LIMITED (with
 * `retryAfterMs` where the provider told it), PROVIDER_REFUSED, PROVIDER_FAILED, PROVIDER_UNREACHABLE, PROVIDER_TIMEOUT,
 * PROVIDER_REPLY_INVALID, PROVIDER_REPLY_TOO_LARGE, PROVIDER_REPLY_CUT_OFF, PROVIDER_ABORTED. Neither shows a key.
 */
export interface ModelProvider {
  /** What `defaultModel.provider` names. */
  readonly name: string;
  /** The only models that may be asked for; any where absent. */
  readonly models?: readonly string[];
  generate(request: GenerateRequest, options?: GenerateOptions): Promise<GenerateResult>;
  /**
   * The text as it comes, then one `result` with all of it, as the last part. Nothing is sent before the first part is
   * asked for. Who stops reading early ends the request.
   */
  stream(request: GenerateRequest, options?: GenerateOptions): AsyncIterable<StreamPart>;
}
