// The templates that agents can be made from: those of the package, of files, and of the program.
import { copyJson } from '../core/json/copy.ts';
import { BusError } from '../protocol/errors.ts';
import type { AgentTemplate } from '../protocol/types.gen.ts';
import { assertValid } from '../schema/registry.ts';
import { builtInTemplates } from './built-in.ts';
import { readEntries } from './template-files.ts';

export interface TemplateFilter {
  /** Only those that have this tag. */
  tag?: string | undefined;
}

export interface RegisterOptions {
  /** Whether it may take the place of one that was there before. */
  replace?: boolean | undefined;
}

export class AgentTemplates {
  readonly #templates = new Map<string, AgentTemplate>(builtInTemplates.map((template) => [template.id, template]));

  /** A copy; undefined for an unknown id. */
  get(id: string): AgentTemplate | undefined {
    const template = this.#templates.get(id);
    return template && copyJson(template);
  }

  /** Copies, in the order in which their ids were first registered. */
  list({ tag }: TemplateFilter = {}): AgentTemplate[] {
    const all = [...this.#templates.values()];
    return copyJson(tag === undefined ? all : all.filter(({ tags }) => tags?.includes(tag)));
  }

  /** @throws BusError VALIDATION_FAILED naming the first fault, TEMPLATE_EXISTS */
  register(template: AgentTemplate, options: RegisterOptions = {}): void {
    this.#add([{ subject: 'template', value: template }], options);
  }

  /**
   * Registers what a JSON file, or each `.json` file of a folder, holds: one template or a list of them. All or nothing.
   * @returns their ids
   * @throws BusError CONFIG_INVALID for a file that cannot be read; VALIDATION_FAILED or TEMPLATE_EXISTS naming the file
   */
  load(path: string, options: RegisterOptions = {}): string[] {
    const entries = readEntries(path).map(({ file, value }) => ({ subject: `template in ${file}`, value }));
    return this.#add(entries, options);
  }

  #add(entries: readonly { subject: string; value: unknown }[], { replace = false }: RegisterOptions): string[] {
    const added = new Map<string, AgentTemplate>();
    for (const { subject, value } of entries) {
      assertValid<AgentTemplate>('AgentTemplate', subject, value);
      if (added.has(value.id) || (!replace && this.#templates.has(value.id))) {
        throw new BusError('TEMPLATE_EXISTS', `The ${subject} has the id ${value.id}, which another one has already.`);
      }
      added.set(value.id, copyJson(value));
    }
    for (const [id, template] of added) this.#templates.set(id, template);
    return [...added.keys()];
  }
}
