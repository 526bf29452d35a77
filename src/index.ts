// What a program that embeds the bus may import.
export type { SessionManager } from './bus/session-manager.ts';
export type { SessionManagerEvents, SessionMilestone } from './bus/session-milestones.ts';
export { BusError, type ErrorCode, type ErrorDetail } from './protocol/errors.ts';
export type {
  Agent,
  CompleteEnvelope,
  Config,
  Envelope,
  Receipt,
  Session,
  SessionEvent,
  SessionSummary,
  Task,
} from './protocol/types.gen.ts';
export { CommunicationBus, type CommunicationBusHooks, type Listening } from './server.ts';
