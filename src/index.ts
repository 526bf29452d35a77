// What a program that embeds the bus may import.

export type { ChatInstance, SayOptions } from './bus/chat-instance.ts';
export type { Reply, Turn } from './bus/chat-turns.ts';
export type { NewChat } from './bus/chats.ts';
export type { NarratedSummary, NarrateOptions } from './bus/narration.ts';
export type { NewSession, NewTask, TaskMove } from './bus/session-commands.ts';
export type { AboutSession, SessionManagerEvents, SessionMilestone } from './bus/session-milestones.ts';
export type { SessionsView } from './bus/sessions-view.ts';
export type { GuardTrip } from './core/guards/guard.ts';
export { summaryMarkdown } from './core/summary/markdown.ts';
export { ResultAggregator } from './core/summary/result-aggregator.ts';
export type { AgentConfig } from './ports/agent-config.ts';
export type { Page } from './ports/mailbox-store.ts';
export type {
  GenerateOptions,
  GenerateRequest,
  GenerateResult,
  ModelMessage,
  ModelProvider,
  StreamPart,
  TokenUsage,
} from './ports/model-provider.ts';
export type { ProviderInfo, ProviderRegistry } from './ports/provider-registry.ts';
export { BusError, type ErrorCode, type ErrorDetail } from './protocol/errors.ts';
/** All of them: what inferred types are made of must have a name in declarations of programs as well. */
export type * from './protocol/types.gen.ts';
export { CommunicationBus, type CommunicationBusHooks, type Listening } from './server.ts';
export { SessionManager, type SessionManagerOptions, type StandaloneSessionManager } from './session-manager.ts';
export { AgentFactory, type AgentFactoryDeps, type CreateOverrides } from './templates/agent-factory.ts';
export { AgentTemplates, type RegisterOptions, type TemplateFilter } from './templates/agent-templates.ts';
export { TemplateManagerAdapter, type TemplateVerdict } from './templates/template-manager-adapter.ts';
