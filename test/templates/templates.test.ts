import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ModelProvider } from '../../src/ports/model-provider.ts';
import { BusError, type ErrorCode } from '../../src/protocol/errors.ts';
import type { AgentOverrides, AgentTemplate } from '../../src/protocol/types.gen.ts';
import { OpenAIProvider } from '../../src/providers/openai.ts';
import { providerOf } from '../../src/templates/agent-config.ts';
import { AgentFactory } from '../../src/templates/agent-factory.ts';
import { AgentTemplates } from '../../src/templates/agent-templates.ts';
import { TemplateManagerAdapter } from '../../src/templates/template-manager-adapter.ts';
import { startModelServer } from '../support/model-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const openai: ModelProvider = new OpenAIProvider({ apiKey: 'key' });
const translator: AgentTemplate = {
  id: 'translator',
  name: 'Translator',
  description: 'Translates.',
  tags: ['writing'],
  defaultModel: { provider: 'openai', model: 'gpt-4o-mini', temperature: 0.2, systemMessage: 'Translate.' },
};

function refusal(run: () => unknown): { code: ErrorCode; path: string | undefined; message: string } {
  try {
    run();
  } catch (error) {
    if (error instanceof BusError) return { code: error.code, path: error.details[0]?.path, message: error.message };
    throw error;
  }
  throw new Error('nothing was refused');
}

function folderWith(files: Record<string, string>): string {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

describe('the templates', () => {
  it('begin with the five that are built in, each with a temperature and a system message of its own', () => {
    const all = new AgentTemplates().list();
    expect(all.map(({ id }) => id)).toEqual(['coder', 'reviewer', 'documenter', 'researcher', 'tester']);
    expect(new Set(all.map(({ defaultModel }) => defaultModel.temperature)).size).toBe(5);
    expect(new Set(all.map(({ defaultModel }) => defaultModel.systemMessage)).size).toBe(5);
    for (const template of all)
      expect(new TemplateManagerAdapter().validate(template)).toEqual({ valid: true, errors: [] });
  });

  it('take more by registration, and list them by tag', () => {
    const templates = new AgentTemplates();
    templates.register(translator);
    expect(templates.get('translator')).toEqual(translator);
    expect(templates.list({ tag: 'writing' })).toEqual([translator]);
    expect(new AgentTemplates().get('translator')).toBeUndefined();
  });

  it('hand out and keep copies', () => {
    const templates = new AgentTemplates();
    const given = structuredClone(translator);
    templates.register(given);
    given.defaultModel.model = 'changed';
    for (const shown of [templates.get('translator'), ...templates.list({ tag: 'writing' })]) {
      expect(shown).toEqual(translator);
      if (shown) shown.defaultModel.model = 'changed';
    }
    expect(templates.get('translator')).toEqual(translator);
  });

  it('take the place of another one only when told to', () => {
    const templates = new AgentTemplates();
    const coder = { ...translator, id: 'coder' };
    expect(refusal(() => templates.register(coder)).code).toBe('TEMPLATE_EXISTS');
    expect(templates.get('coder')?.name).toBe('Coding Assistant');
    templates.register(coder, { replace: true });
    expect(templates.get('coder')?.name).toBe('Translator');
  });

  it.each([
    [{ ...translator, id: 'Not an id' }, '/id', /must be 1 to 64 of a-z 0-9 and -/],
    [{ ...translator, modle: 'x' }, '/modle', /unknown field "modle"/],
    [{ ...translator, defaultModel: { provider: 'openai' } }, '/defaultModel', /must have required property 'model'/],
    [
      { ...translator, defaultModel: { ...translator.defaultModel, temperature: 3 } },
      '/defaultModel/temperature',
      /must be <= 2/,
    ],
    [
      { ...translator, defaultModel: { ...translator.defaultModel, apiKey: 'x' } },
      '/defaultModel/apiKey',
      /unknown field/,
    ],
    ['coder', '', /must be object/],
  ])('are refused with a reason: %j', (wrong, path, message) => {
    expect(refusal(() => new AgentTemplates().register(wrong as AgentTemplate))).toEqual({
      code: 'VALIDATION_FAILED',
      path,
      message: expect.stringMatching(message),
    });
    const { valid, errors } = new TemplateManagerAdapter().validate(wrong);
    expect([valid, errors[0]?.path]).toEqual([false, path]);
  });
});

describe('templates of files', () => {
  it('come from one file with one or with a list, or from all JSON files of a folder', () => {
    const second = { ...translator, id: 'second' };
    const third = { ...translator, id: 'third' };
    const folder = folderWith({
      'a.json': JSON.stringify([second, third]),
      'b.json': JSON.stringify(translator),
      'c.txt': '-',
    });
    const templates = new AgentTemplates();
    expect(templates.load(join(folder, 'b.json'))).toEqual(['translator']);
    expect(templates.load(join(folder, 'a.json'))).toEqual(['second', 'third']);
    expect(new AgentTemplates().load(folder)).toEqual(['second', 'third', 'translator']);
    expect(templates.get('third')).toEqual(third);
  });

  it('are all taken or none, and the file with the fault is named', () => {
    const bad = { ...translator, id: 'bad', defaultModel: {} };
    const folder = folderWith({ 'a.json': JSON.stringify(translator), 'b.json': JSON.stringify(bad) });
    const templates = new AgentTemplates();
    const { code, message } = refusal(() => templates.load(folder));
    expect([code, message]).toEqual(['VALIDATION_FAILED', expect.stringContaining(join(folder, 'b.json'))]);
    expect(templates.get('translator')).toBeUndefined();
  });

  it('may not have an id twice among them, even where they may replace others', () => {
    const folder = folderWith({ 'a.json': JSON.stringify(translator), 'b.json': JSON.stringify(translator) });
    expect(refusal(() => new AgentTemplates().load(folder, { replace: true })).code).toBe('TEMPLATE_EXISTS');
  });

  it('that cannot be read are named', () => {
    const folder = folderWith({ 'a.json': '{ id' });
    mkdirSync(join(folder, 'folder.json'));
    for (const name of ['a.json', 'absent.json']) {
      const { code, message } = refusal(() => new AgentTemplates().load(join(folder, name)));
      expect([code, message]).toEqual(['CONFIG_INVALID', expect.stringContaining(join(folder, name))]);
    }
  });
});

describe('an agent of a template', () => {
  const factory = () => {
    const templates = new AgentTemplates();
    templates.register(translator);
    return new AgentFactory({ templates, aiProviders: [openai] });
  };

  it('has its name, model, temperature, system message and the providers of the factory', () => {
    const { id: _id, tags: _tags, ...rest } = translator;
    expect(factory().create('translator')).toEqual({ ...rest, aiProviders: [openai] });
  });

  it('differs where the overrides say so, field by field', () => {
    const overrides = { name: 'German translator', defaultModel: { temperature: 0.9, maxTokens: 50 } };
    expect(factory().settings('translator', overrides)).toEqual({
      name: 'German translator',
      description: 'Translates.',
      defaultModel: { ...translator.defaultModel, temperature: 0.9, maxTokens: 50 },
    });
    expect(factory().templates.get('translator')).toEqual(translator);
  });

  it('loses what is null, and keeps what is undefined', () => {
    const overrides = {
      description: null,
      defaultModel: { temperature: null, model: undefined },
    } as unknown as AgentOverrides;
    expect(factory().settings('translator', overrides)).toEqual({
      name: 'Translator',
      defaultModel: { provider: 'openai', model: 'gpt-4o-mini', systemMessage: 'Translate.' },
    });
  });

  it.each([
    [{ defaultModel: { temperature: -1 } }, 'VALIDATION_FAILED', '/defaultModel/temperature'],
    [{ defaultModel: { model: null } }, 'VALIDATION_FAILED', '/defaultModel/model'],
    [{ name: null }, 'VALIDATION_FAILED', '/name'],
    [{ defaultModle: {} }, 'VALIDATION_FAILED', '/defaultModle'],
    [{ defaultModel: { provider: 'anthropic' } }, 'VALIDATION_FAILED', '/defaultModel/model'],
    [
      { defaultModel: { provider: 'anthropic', model: 'claude-sonnet-4-5' } },
      'UNKNOWN_PROVIDER',
      '/defaultModel/provider',
    ],
    [{ aiProviders: [] }, 'UNKNOWN_PROVIDER', '/defaultModel/provider'],
    [{ aiProviders: [openai, openai] }, 'VALIDATION_FAILED', '/aiProviders/1'],
    [{ aiProviders: [{ name: 'openai' }] }, 'VALIDATION_FAILED', '/aiProviders/0'],
    [{ aiProviders: openai }, 'VALIDATION_FAILED', '/aiProviders'],
    [
      { aiProviders: [new OpenAIProvider({ apiKey: 'key', models: ['gpt-4'] })] },
      'UNKNOWN_MODEL',
      '/defaultModel/model',
    ],
  ] as [object, ErrorCode, string][])('is refused with overrides %j', (overrides, code, path) => {
    expect(refusal(() => factory().create('translator', overrides))).toMatchObject({ code, path });
  });

  it('cannot be made of a template that is not there', () => {
    const { code, message } = refusal(() => factory().create('translater'));
    expect([code, message]).toEqual(['TEMPLATE_NOT_FOUND', expect.stringContaining('coder, reviewer')]);
  });

  it('has the settings of the template, and its provider reaches the model', async () => {
    const server = await startModelServer();
    const manager = new TemplateManagerAdapter({
      aiProviders: [new OpenAIProvider({ apiKey: 'key', baseURL: server.baseURL })],
    });
    manager.register(translator);
    const agent = manager.create('translator', { defaultModel: { temperature: 0.7 } });
    expect(agent.defaultModel).toMatchObject({
      model: 'gpt-4o-mini',
      temperature: 0.7,
      systemMessage: 'Translate.',
    });
    const { model } = agent.defaultModel;
    await providerOf(agent).generate({ model, messages: [{ role: 'user', content: 'Hallo' }] });
    expect(server.requests[0]?.body).toMatchObject({ model });
  });
});

describe('the template manager', () => {
  it('lists, gets, registers and creates', () => {
    const manager = new TemplateManagerAdapter({ aiProviders: [openai] });
    manager.register(translator);
    expect(manager.list({ tag: 'writing' })).toEqual([translator]);
    expect(manager.list()).toHaveLength(6);
    expect(manager.get('translator')).toEqual(translator);
    expect(manager.get('gone')).toBeUndefined();
    expect(manager.create('coder').aiProviders).toEqual([openai]);
  });
});
