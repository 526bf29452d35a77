// A bus behind its HTTP door with one scripted model, a session, and a client that reads event streams.
import { once } from 'node:events';
import http from 'node:http';
import { onTestFinished } from 'vitest';
import type { ChatModels } from '../../src/ports/chat-models.ts';
import type { GenerateRequest, ModelProvider, StreamPart } from '../../src/ports/model-provider.ts';
import { BusError } from '../../src/protocol/errors.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { startHttp } from './start-http.ts';
import { busKey, openTestBus } from './test-bus.ts';

export const agent_config = { name: 'Coder', defaultModel: { provider: 'scripted', model: 'm-1' } };
export const chats = '/sessions/s1/chats';

/** Says the parts of its next reply when it is told to; an echo where it was told nothing. */
class ScriptedModel implements ModelProvider {
  readonly name = 'scripted';
  readonly requests: GenerateRequest[] = [];
  readonly signals: (AbortSignal | undefined)[] = [];
  readonly #scripts: (string | BusError | Promise<unknown>)[][] = [];

  /** Texts are said, promises waited for, errors thrown. */
  next(...script: (string | BusError | Promise<unknown>)[]): void {
    this.#scripts.push(script);
  }

  generate(): never {
    throw new Error('chats stream');
  }

  async *stream(request: GenerateRequest, options?: { signal?: AbortSignal }): AsyncGenerator<StreamPart> {
    this.requests.push(request);
    this.signals.push(options?.signal);
    const script = this.#scripts.shift() ?? ['echo: ', String(request.messages.at(-1)?.content)];
    let text = '';
    for (const item of script) {
      if (item instanceof BusError) throw item;
      if (typeof item !== 'string') {
        await item;
        continue;
      }
      text += item;
      yield { type: 'text' as const, text: item };
    }
    yield {
      type: 'result' as const,
      result: { text, finishReason: 'stop', usage: { inputTokens: 3, outputTokens: 2 } },
    };
  }
}

export const forever = new Promise<never>(() => undefined);

/** A promise, and how to resolve it. */
export function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** A session `s1`, whose chats are with the model. */
export async function startChats() {
  const model = new ScriptedModel();
  const chatModels: ChatModels = {
    async choose({ agentConfig }) {
      if (agentConfig?.defaultModel.provider !== model.name)
        throw new BusError('UNKNOWN_PROVIDER', 'No such provider.');
      return { settings: agentConfig };
    },
    provider: async () => model,
  };
  const failures: unknown[] = [];
  const store = createMemoryStore();
  const bus = await openTestBus(failures, { chatModels, store });
  onTestFinished(() => bus.close());
  const house = await startHttp({ bus });
  // What is being said would keep the door open.
  onTestFinished(() => bus.drain());
  await house.call('POST', '/sessions', { body: { session_id: 's1', orchestrator: 'claude-code://lead' } });
  const create = (chat_id: string, session = 's1') =>
    house.call('POST', `/sessions/${session}/chats`, { body: { chat_id, agent_config } });
  const say = (content: string, chat = 'active') =>
    house.call('POST', `${chats}/${chat}/messages`, { body: { content } });
  const turns = async () => {
    const events = await bus.sessions.readEvents('s1', 0, 1000);
    return events.flatMap(({ type, data }) => (type === 'chat_turn_ended' ? [data.status] : []));
  };
  return { ...house, model, store, create, say, turns, stream: (content: string) => openStream(house.port, content) };
}

interface SentEvent {
  type: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it
  data: any;
}

/** Says it to the active chat of `s1`, and reads the events of the answer one by one. */
async function openStream(port: number, content: string) {
  const body = JSON.stringify({ content });
  const request = http.request({
    ...{ host: '127.0.0.1', port, agent: false, method: 'POST', path: `${chats}/active/messages` },
    headers: { accept: 'text/event-stream', 'x-agent-api-key': busKey, 'content-type': 'application/json' },
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const events = eventsIn(response);
  return {
    response,
    next: async () => (await events.next()).value as SentEvent | undefined,
  };
}

async function* eventsIn(response: http.IncomingMessage): AsyncGenerator<SentEvent, undefined> {
  let rest = '';
  for await (const chunk of response.setEncoding('utf8')) {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const [, type, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? [];
      if (type !== undefined) yield { type, data: JSON.parse(data ?? '') };
    }
  }
  return undefined;
}
