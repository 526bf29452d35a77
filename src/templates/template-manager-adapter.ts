// Templates and the factory behind one face, under the name that programs know from elsewhere.
import type { AgentConfig } from '../ports/agent-config.ts';
import { BusError, type ErrorDetail } from '../protocol/errors.ts';
import type { AgentTemplate } from '../protocol/types.gen.ts';
import { assertValid } from '../schema/registry.ts';
import { AgentFactory, type AgentFactoryDeps, type CreateOverrides } from './agent-factory.ts';
import type { RegisterOptions, TemplateFilter } from './agent-templates.ts';

export interface TemplateVerdict {
  valid: boolean;
  /** The first fault; none where it is valid. */
  errors: readonly ErrorDetail[];
}

export class TemplateManagerAdapter {
  readonly #factory: AgentFactory;

  constructor(deps: AgentFactoryDeps = {}) {
    this.#factory = new AgentFactory(deps);
  }

  list(filter?: TemplateFilter): AgentTemplate[] {
    return this.#factory.templates.list(filter);
  }

  get(id: string): AgentTemplate | undefined {
    return this.#factory.templates.get(id);
  }

  /** Whether `register` would take it, but for its id being taken. */
  validate(template: unknown): TemplateVerdict {
    try {
      assertValid<AgentTemplate>('AgentTemplate', 'template', template);
      return { valid: true, errors: [] };
    } catch (error) {
      if (error instanceof BusError) return { valid: false, errors: error.details };
      throw error;
    }
  }

  /** @throws BusError VALIDATION_FAILED naming the first fault, TEMPLATE_EXISTS */
  register(template: AgentTemplate, options?: RegisterOptions): void {
    this.#factory.templates.register(template, options);
  }

  /** @throws BusError TEMPLATE_NOT_FOUND, VALIDATION_FAILED, UNKNOWN_PROVIDER, UNKNOWN_MODEL */
  create(templateId: string, overrides?: CreateOverrides): AgentConfig {
    return this.#factory.create(templateId, overrides);
  }
}
