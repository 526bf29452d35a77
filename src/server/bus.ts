// The bus as it is configured, over a store that is open.
import type { Logger } from 'pino';
import { Bus } from '../bus/bus.ts';
import type { BusConfig } from '../config/config.ts';
import { jwtTrustOf } from '../config/jwt-settings.ts';
import type { ChatModels } from '../ports/chat-models.ts';
import { systemClock } from '../ports/clock.ts';
import type { Store } from '../ports/store.ts';

export interface BusParts {
  config: BusConfig;
  store: Store;
  apiKey: string;
  chatModels: ChatModels;
  log: Logger;
}

/** @throws BusError STORE_UNREADABLE, STORE_FAILED */
export async function openBus({ config, store, apiKey, chatModels, log }: BusParts): Promise<Bus> {
  const trust = jwtTrustOf(config);
  // What reads tokens is loaded where there is somebody to trust: a bus starts sooner without.
  const jwt = trust && (await import('../http/jwt.ts')).createJwtAuthenticator(trust, systemClock);
  return Bus.open({
    store,
    clock: systemClock,
    apiKey,
    messageTimeoutMs: config.messageTimeout,
    ackTimeoutMs: config.ackTimeout,
    offlineGraceMs: config.offlineGrace,
    sessionTimeoutMs: config.sessionTimeout,
    retentionMs: config.retention,
    autoAdvance: config.autoAdvance,
    chatModels,
    maxSessions: config.maxSessions,
    maxChatsPerSession: config.maxChatsPerSession,
    chatHistoryLimit: config.chatHistoryLimit,
    chatHistoryBytes: config.chatHistoryBytes,
    chatTimeoutMs: config.chatTimeout,
    rateLimit: config.rateLimit,
    authenticators: jwt ? [jwt] : [],
    maxHops: config.maxHops,
    maxPairRate: config.maxPairRate,
    maxSessionRate: config.maxSessionRate,
    onError: (error) => log.error({ err: error }, 'unexpected error in the bus'),
  });
}
