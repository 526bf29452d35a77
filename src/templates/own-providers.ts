// Providers that a program brings along, by name, beside those of another registry.
import type { ModelProvider } from '../ports/model-provider.ts';
import type { ProviderRegistry } from '../ports/provider-registry.ts';
import { BusError } from '../protocol/errors.ts';
import { assertProviders } from './agent-config.ts';

const nothingElse: ProviderRegistry = {
  get: () => Promise.reject(new BusError('UNKNOWN_PROVIDER', 'There are no other providers.')),
  list: () => [],
};

/** @throws BusError CONFIG_INVALID for what is no provider, and for a name that there is twice */
export function withOwnProviders(
  aiProviders: readonly ModelProvider[],
  others: ProviderRegistry = nothingElse,
): ProviderRegistry {
  assertUsable(aiProviders, others);
  const own = new Map(aiProviders.map((provider) => [provider.name, provider]));
  const list: ProviderRegistry['list'] = () => [
    ...[...own.values()].map(({ name, models }) => ({ name, kind: 'program', ...(models && { models: [...models] }) })),
    ...others.list(),
  ];
  return {
    async get(name) {
      const found = own.get(name);
      if (found) return found;
      const known = list().map((one) => one.name);
      if (known.includes(name)) return others.get(name);
      const message = `There is no provider of that name; there are: ${known.join(', ') || 'none'}.`;
      throw new BusError('UNKNOWN_PROVIDER', message);
    },
    list,
  };
}

function assertUsable(aiProviders: unknown, others: ProviderRegistry): asserts aiProviders is readonly ModelProvider[] {
  const refuse = (path: string, message: string, cause?: unknown) =>
    new BusError('CONFIG_INVALID', `The configuration is not valid: option ${path.slice(1)} ${message}.`, {
      details: [{ path, message }],
      cause,
    });
  try {
    assertProviders(aiProviders);
  } catch (cause) {
    if (!(cause instanceof BusError)) throw cause;
    const [{ path, message } = { path: '/aiProviders', message: 'must be a list of providers' }] = cause.details;
    throw refuse(path, message, cause);
  }
  const taken = others.list().find((one) => aiProviders.some(({ name }) => name === one.name));
  if (taken) throw refuse('/aiProviders', `has ${taken.name}, which is configured as well: give one another name`);
}
