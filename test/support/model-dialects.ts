// How OpenAI's chat completions and Anthropic's messages look on the wire.

interface Answer {
  model: string;
  text: string;
  finish: 'stop' | 'length';
  usage: boolean;
}

export interface Dialect {
  error(message: string): object;
  whole(answer: Answer): object;
  /** The server-sent events of a stream, as text. */
  events(answer: Omit<Answer, 'text'>): { opening: string[]; piece: (text: string) => string; closing: string[] };
}

/** What every answer is said to have cost. */
export const tokens = { input: 11, output: 7 };

const openaiUsage = {
  prompt_tokens: tokens.input,
  completion_tokens: tokens.output,
  total_tokens: tokens.input + tokens.output,
};
const data = (event: object) => `data: ${JSON.stringify(event)}\n\n`;

export const openaiDialect: Dialect = {
  error: (message) => ({ error: { message, type: 'test_error', code: null, param: null } }),
  whole: ({ model, text, finish, usage }) => ({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_700_000_000,
    model,
    choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: finish }],
    ...(usage && { usage: openaiUsage }),
  }),
  events({ model, finish, usage }) {
    const chunk = (delta: object, finish_reason: string | null = null) =>
      data({
        id: 'chatcmpl-1',
        object: 'chat.completion.chunk',
        created: 1_700_000_000,
        model,
        choices: [{ index: 0, delta, finish_reason }],
      });
    const cost = data({ id: 'chatcmpl-1', object: 'chat.completion.chunk', model, choices: [], usage: openaiUsage });
    return {
      opening: [chunk({ role: 'assistant', content: '' })],
      piece: (content) => chunk({ content }),
      closing: [chunk({}, finish), ...(usage ? [cost] : []), 'data: [DONE]\n\n'],
    };
  },
};

const named = (event: { type: string; [key: string]: unknown }) => `event: ${event.type}\n${data(event)}`;
const stopReason = { stop: 'end_turn', length: 'max_tokens' };
const message = (model: string) => ({ id: 'msg_1', type: 'message', role: 'assistant', model });

export const anthropicDialect: Dialect = {
  error: (text) => ({ type: 'error', error: { type: 'test_error', message: text } }),
  whole: ({ model, text, finish }) => ({
    ...message(model),
    content: [{ type: 'text', text }],
    stop_reason: stopReason[finish],
    stop_sequence: null,
    usage: { input_tokens: tokens.input, output_tokens: tokens.output },
  }),
  events: ({ model, finish }) => ({
    opening: [
      named({
        type: 'message_start',
        message: {
          ...message(model),
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: { input_tokens: tokens.input, output_tokens: 1 },
        },
      }),
      named({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
    ],
    piece: (text) => named({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }),
    closing: [
      named({ type: 'content_block_stop', index: 0 }),
      named({
        type: 'message_delta',
        delta: { stop_reason: stopReason[finish], stop_sequence: null },
        usage: { output_tokens: tokens.output },
      }),
      named({ type: 'message_stop' }),
    ],
  }),
};
