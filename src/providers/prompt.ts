// A request as the SDK wants it: the system message apart from the conversation.

import type { GenerateRequest, ModelMessage } from '../ports/model-provider.ts';
import { BusError } from '../protocol/errors.ts';

export interface Prompt {
  system?: string;
  messages: { role: 'user' | 'assistant'; content: string }[];
  temperature?: number;
  maxOutputTokens?: number;
}

interface Askable {
  name: string;
  models: readonly string[] | undefined;
}

const roles: readonly ModelMessage['role'][] = ['system', 'user', 'assistant'];

/** @throws BusError UNKNOWN_MODEL, VALIDATION_FAILED */
export function promptOf({ name, models }: Askable, request: GenerateRequest): Prompt {
  assertComplete(request);
  if (models && !models.includes(request.model)) {
    throw new BusError('UNKNOWN_MODEL', `The provider ${name} may be asked for ${models.join(', ')} only.`);
  }
  const [first] = request.messages;
  const system = first?.role === 'system' ? first.content : undefined;
  const messages = (system === undefined ? request.messages : request.messages.slice(1)).map(conversational);
  if (messages.length === 0) throw invalid('/messages', 'must have a message that is not of the role system');
  return {
    ...(system !== undefined && { system }),
    messages,
    ...(request.temperature !== undefined && { temperature: request.temperature }),
    ...(request.maxTokens !== undefined && { maxOutputTokens: request.maxTokens }),
  };
}

/** What the SDK would refuse before it sends anything, in words that are about its answer. */
function assertComplete({ model, messages, temperature, maxTokens }: GenerateRequest): void {
  if (typeof model !== 'string' || model === '') throw invalid('/model', 'must be the name of a model');
  if (!Array.isArray(messages)) throw invalid('/messages', 'must be a list of messages');
  for (const [index, { role, content }] of messages.entries()) {
    if (!roles.includes(role)) throw invalid(`/messages/${index}/role`, `must be one of ${roles.join(', ')}`);
    if (typeof content !== 'string') throw invalid(`/messages/${index}/content`, 'must be a text');
  }
  if (temperature !== undefined && !Number.isFinite(temperature)) throw invalid('/temperature', 'must be a number');
  if (maxTokens !== undefined && !(Number.isSafeInteger(maxTokens) && maxTokens > 0)) {
    throw invalid('/maxTokens', 'must be a whole number above 0');
  }
}

function conversational({ role, content }: ModelMessage, index: number): Prompt['messages'][number] {
  if (role === 'system') throw invalid(`/messages/${index}`, 'a system message may only stand first');
  return { role, content };
}

function invalid(path: string, message: string): BusError {
  return new BusError('VALIDATION_FAILED', `The request to a model is not valid. ${path}: ${message}.`, {
    details: [{ path, message }],
  });
}
