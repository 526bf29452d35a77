// The examples as programs of their own, against a local model server: what they print, and what arrives on the wire.
import { readFileSync } from 'node:fs';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import { describe, expect, it } from 'vitest';
import { type ModelServer, startModelServer } from '../support/model-server.ts';
import { packageRoot, runToEnd } from '../support/server-process.ts';

/** Runs an example to its end; the model counts the messages that it is sent. */
async function run(file: string, server?: ModelServer) {
  const source = readFileSync(new URL(file, import.meta.url), 'utf8');
  const compilerOptions = { module: ModuleKind.ESNext, target: ScriptTarget.ES2023 };
  const program = file.endsWith('.ts') ? transpileModule(source, { compilerOptions }).outputText : source;
  return runToEnd(['--input-type=module', '-e', program], {
    command: [process.execPath],
    cwd: packageRoot,
    env: { OPENAI_API_KEY: 'sk-example', ...(server && { OPENAI_BASE_URL: server.baseURL }) },
  });
}

const startCounting = () =>
  startModelServer(({ body }) => ({ do: 'answer', text: [`${body.messages.length} messages`, ' arrived'] }));

/** What was asked of the model, without what the transport adds. */
const askedOf = ({ requests }: ModelServer) =>
  requests.map(({ body: { model, temperature, messages } }) => ({
    model,
    temperature,
    messages: messages.map(({ role, content }: { role: string; content: string }) => `${role}: ${content}`),
  }));

const printed = (...lines: string[]) => ({ code: 0, signal: null, stdout: `${lines.join('\n')}\n`, stderr: '' });

describe('basic-session-usage', () => {
  it('sends model, temperature, system message and history as configured', async () => {
    const server = await startCounting();
    expect(await run('basic-session-usage.mjs', server)).toEqual(
      printed(
        'Coding Assistant: 2 messages arrived',
        'Session: Development Workspace in workspace-dev',
        'Session: Development in workspace-dev',
        'Session: Research in workspace-research',
        'Active: Code Review Assistant',
        'Coding Assistant, user: Help me implement a function',
        'Coding Assistant, assistant: 2 messages arrived',
        'Code Review Assistant, user: Please review this code',
        'Code Review Assistant, assistant: 2 messages arrived',
        'Seen from workspace-1: Assistant',
        'Seen from workspace-1: nothing',
        'Coding Assistant: 4 messages arrived',
        'Messages: 4',
        'Messages after clearing: 0',
      ),
    );
    const hello = 'user: Hello! Can you help me with TypeScript?';
    const helpful = 'system: You are a helpful coding assistant.';
    expect(askedOf(server)).toEqual([
      { model: 'gpt-4', temperature: undefined, messages: [helpful, hello] },
      {
        model: 'gpt-4',
        temperature: 0.1,
        messages: ['system: You are an expert programmer.', 'user: Help me implement a function'],
      },
      {
        model: 'gpt-4',
        temperature: 0.3,
        messages: ['system: You are a thorough code reviewer.', 'user: Please review this code'],
      },
      {
        model: 'gpt-4',
        temperature: undefined,
        messages: [helpful, hello, 'assistant: 2 messages arrived', 'user: Help me with TypeScript'],
      },
    ]);
    for (const { path, headers } of server.requests) {
      expect([path, headers.authorization]).toEqual(['/v1/chat/completions', 'Bearer sk-example']);
    }
  });

  it('ends with 1, and prints no more, when the model fails', async () => {
    const server = await startCounting();
    server.order({ do: 'answer' }, { do: 'fail', status: 500 });
    const { code, stdout, stderr } = await run('basic-session-usage.mjs', server);
    expect(code).toBe(1);
    expect(stdout.trim().split('\n').at(-1)).toBe('Session: Research in workspace-research');
    expect(stderr).toContain('PROVIDER_FAILED');
    expect(server.requests).toHaveLength(2);
  });

  it('ends with 1 without a key', async () => {
    const { code, stdout, stderr } = await runToEnd(['test/examples/basic-session-usage.mjs'], {
      command: [process.execPath],
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('PROVIDER_KEY_MISSING');
  });
});

describe('three-specialists', () => {
  it('have a template, a temperature and a history each', async () => {
    const server = await startCounting();
    expect(await run('three-specialists.ts', server)).toEqual(
      printed(
        'Coder: 2 messages arrived',
        'Reviewer: 2 messages arrived',
        'Documenter: 2 messages arrived',
        'Coder: 4 messages arrived',
        'Coder: 2 turns, active',
        'Reviewer: 1 turns',
        'Documenter: 1 turns',
      ),
    );
    const asked = askedOf(server);
    expect(asked.map(({ model, temperature }) => [model, temperature])).toEqual([
      ['gpt-4o', 0.1],
      ['gpt-4o', 0.3],
      ['gpt-4o-mini', 0.7],
      ['gpt-4o', 0.1],
    ]);
    expect(asked.map(({ messages }) => messages[0].slice(0, 35))).toEqual([
      'system: You are an expert programme',
      'system: You are a thorough code rev',
      'system: You are a technical documen',
      'system: You are an expert programme',
    ]);
    expect(asked[1]?.messages[1]).toBe('user: Please review this: 2 messages arrived');
    expect(asked[3]?.messages.slice(1)).toEqual([
      'user: Write a function that adds two numbers',
      'assistant: 2 messages arrived',
      'user: Now let it take any number of arguments',
    ]);
  });
});

describe('two-users', () => {
  it('share nothing, on the wire neither', async () => {
    const server = await startCounting();
    expect(await run('two-users.ts', server)).toEqual(
      printed(
        'To user-a: 2 messages arrived',
        'To user-b: 2 messages arrived',
        'Of user-a, user-b sees nothing',
        'user-a in workspace-a: 2 messages',
        'user-b in workspace-b: 2 messages',
      ),
    );
    const [ofUserA, ofUserB] = askedOf(server).map(({ messages }) => messages.join());
    expect(ofUserA).toContain('swordfish');
    expect(ofUserB).not.toContain('swordfish');
  });
});

describe('two-projects', () => {
  it('have specialists each, and end one by one', async () => {
    const server = await startCounting();
    expect(await run('two-projects.ts', server)).toEqual(
      printed(
        'Project Alpha, Backend developer: 2 messages arrived',
        'Project Alpha, Frontend developer: 2 messages arrived',
        'Project Beta, Backend developer: 2 messages arrived',
        'Project Beta, Frontend developer: 2 messages arrived',
        'Project Alpha in project-alpha is completed',
        'Project Beta in project-beta is active',
        'Active: Project Beta',
      ),
    );
    expect(askedOf(server).map(({ temperature, messages }) => [temperature, messages.at(-1)])).toEqual([
      [0.1, 'user: What is your part in Project Alpha?'],
      [0.2, 'user: What is your part in Project Alpha?'],
      [0.1, 'user: What is your part in Project Beta?'],
      [0.2, 'user: What is your part in Project Beta?'],
    ]);
  });
});

describe('chat-with-agent', () => {
  it('asks the agent over its socket, and each question is a task', async () => {
    expect(await run('chat-with-agent.ts')).toEqual(
      printed(
        'The agent is asked in chat_review: Is this right: 1 + 1 = 2?',
        'Reviewer: 25 characters, none of them wrong.',
        'The agent is asked in chat_review: And this: 2 + 2 = 4?',
        'Reviewer: 20 characters, none of them wrong.',
        'chat of codex://reviewer: completed',
        'chat of codex://reviewer: completed',
        'Messages: 4',
      ),
    );
  });
});
