// Whom chats are with: remembers providers that only the program has, asks the others by name.
import { checkedName, invalid } from '../core/session/names.ts';
import type { ChatModels, ModelChoice } from '../ports/chat-models.ts';
import type { ModelProvider } from '../ports/model-provider.ts';
import { BusError, type ErrorCode } from '../protocol/errors.ts';
import type { AgentId, ChatId, ChatPartner, SessionId } from '../protocol/types.gen.ts';
import { type AskableAgents, answerOfAgent } from './agent-answers.ts';
import type { Answer, Question } from './chat-turns.ts';
import { answerOfModel } from './model-answers.ts';
import { boundedReply } from './reply-bounds.ts';

export interface PartnerChoice extends ModelChoice {
  /** An agent of the bus instead of a model. */
  agentId?: AgentId | undefined;
}

export class ChatPartners {
  readonly #models: ChatModels;
  #agents: AskableAgents | undefined;
  readonly #providers = new Map<ChatId, ModelProvider>();

  constructor(models: ChatModels) {
    this.#models = models;
  }

  /** From now on chats can be with agents of the bus. */
  chatWithAgents(agents: AskableAgents): void {
    this.#agents = agents;
  }

  /**
   * For a chat of that session.
   * @throws BusError VALIDATION_FAILED unless it is just one of agent, model and template; AGENT_NOT_FOUND for an agent where
   *   there is no bus; as `AskableAgents.assertAskable` and `ChatModels.choose`
   */
  async choose(
    sessionId: SessionId,
    choice: PartnerChoice,
  ): Promise<{ partner: ChatPartner; provider?: ModelProvider | undefined }> {
    const { agentId, agentConfig, template, overrides } = choice;
    const named = [agentId, agentConfig, template].filter((one) => one !== undefined).length;
    if (named !== 1) {
      throw new BusError(
        'VALIDATION_FAILED',
        'A chat is with an agentConfig, a template or an agent; name one of them.',
      );
    }
    if (agentId !== undefined) {
      if (overrides) throw invalid('overrides', 'are of a template; leave them out');
      this.#requireAgents().assertAskable(sessionId, checkedName('AgentId', 'agentId', agentId));
      return { partner: { kind: 'agent', agent_id: agentId } };
    }
    const { settings: agent, template: from, provider } = await this.#models.choose(choice);
    return { partner: { kind: 'model', agent, ...(from !== undefined && { template: from }) }, provider };
  }

  /** The provider of a chat, as long as there is the chat. */
  remember(chatId: ChatId, provider: ModelProvider): void {
    this.#providers.set(chatId, provider);
  }

  forget(chatId: ChatId): void {
    this.#providers.delete(chatId);
  }

  /** How many providers are remembered. */
  get size(): number {
    return this.#providers.size;
  }

  /** @throws BusError as `answerOfAgent` and `answerOfModel`; CHAT_AGENT_FAILED, PROVIDER_REPLY_INVALID for what is no reply */
  answer(question: Question): Answer {
    const { partner } = question.chat;
    const [code, who]: [ErrorCode, string] =
      partner.kind === 'agent'
        ? ['CHAT_AGENT_FAILED', partner.agent_id]
        : ['PROVIDER_REPLY_INVALID', `the provider ${partner.agent.defaultModel.provider}`];
    return boundedReply(this.#ask(question), (what) => new BusError(code, `The reply of ${who} is ${what}.`));
  }

  async *#ask(question: Question): Answer {
    const { partner, chat_id } = question.chat;
    if (partner.kind === 'agent') return yield* answerOfAgent(this.#requireAgents(), partner.agent_id, question);
    const settings = partner.agent.defaultModel;
    const provider = this.#providers.get(chat_id) ?? (await this.#models.provider(settings.provider));
    return yield* answerOfModel(provider, settings, question);
  }

  #requireAgents(): AskableAgents {
    if (this.#agents) return this.#agents;
    throw new BusError(
      'AGENT_NOT_FOUND',
      'There are no agents to chat with, since these sessions are in memory only, on no bus; ' +
        'use the sessionManager of a CommunicationBus.',
    );
  }
}
