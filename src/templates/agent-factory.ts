// Makes agents out of templates.
import { mergePatch } from '../core/json/merge-patch.ts';
import type { AgentConfig } from '../ports/agent-config.ts';
import type { ModelProvider } from '../ports/model-provider.ts';
import { BusError } from '../protocol/errors.ts';
import type { AgentOverrides, AgentSettings, AgentTemplate } from '../protocol/types.gen.ts';
import { assertValid } from '../schema/registry.ts';
import { providerOf } from './agent-config.ts';
import { AgentTemplates } from './agent-templates.ts';

export interface AgentFactoryDeps {
  /** The built-in ones where left out. */
  templates?: AgentTemplates | undefined;
  /** For agents whose overrides bring no providers. */
  aiProviders?: readonly ModelProvider[] | undefined;
}

/** `aiProviders` takes the place of the factory's. */
export interface CreateOverrides extends AgentOverrides {
  aiProviders?: readonly ModelProvider[] | undefined;
}

export class AgentFactory {
  readonly templates: AgentTemplates;
  readonly #aiProviders: readonly ModelProvider[];

  constructor({ templates = new AgentTemplates(), aiProviders = [] }: AgentFactoryDeps = {}) {
    this.templates = templates;
    this.#aiProviders = aiProviders;
  }

  /**
   * The agent but for its providers: the template with the overrides merged in, field by field.
   * @throws BusError TEMPLATE_NOT_FOUND; VALIDATION_FAILED naming the first fault
   */
  settings(templateId: string, overrides: AgentOverrides = {}): AgentSettings {
    const template = this.templates.get(templateId);
    if (!template) {
      const known = this.templates.list().map(({ id }) => id);
      throw new BusError('TEMPLATE_NOT_FOUND', `There is no template of that id; there are: ${known.join(', ')}.`);
    }
    const changes = withoutUndefined(overrides);
    assertValid<AgentOverrides>('AgentOverrides', 'overrides', changes);
    assertModelOfProvider(template, changes);
    const { name, description, defaultModel } = template;
    const merged = mergePatch(
      { name, ...(description !== undefined && { description }), defaultModel },
      { ...changes },
    );
    assertValid<AgentSettings>('AgentSettings', 'agent', merged);
    return merged;
  }

  /**
   * An agent that a chat can be had with.
   * @throws BusError as `settings`; UNKNOWN_PROVIDER and UNKNOWN_MODEL where no provider is there for its model
   */
  create(templateId: string, { aiProviders = this.#aiProviders, ...overrides }: CreateOverrides = {}): AgentConfig {
    const agent = { ...this.settings(templateId, overrides), aiProviders };
    providerOf(agent);
    return { ...agent, aiProviders: [...aiProviders] };
  }
}

/** A template's model is one of its own provider. */
function assertModelOfProvider({ defaultModel }: AgentTemplate, { defaultModel: changes = {} }: AgentOverrides): void {
  const { provider = defaultModel.provider, model } = changes;
  if (provider === defaultModel.provider || model !== undefined) return;
  const path = '/defaultModel/model';
  const message = `must be given with another provider: ${defaultModel.model} is a model of ${defaultModel.provider}`;
  throw new BusError('VALIDATION_FAILED', `The overrides are not valid. ${path}: ${message}.`, {
    details: [{ path, message }],
  });
}

/** A key that is there without a value is as good as left out, as in `{ model: process.env.MODEL }`. */
function withoutUndefined(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const given = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(given.map(([key, item]) => [key, withoutUndefined(item)]));
}
