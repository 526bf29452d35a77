import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { packageRoot, runToEnd } from '../support/server-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'agent-bus-package-'));
const installed = join(folder, 'node_modules', manifest.name);
afterAll(() => rmSync(folder, { recursive: true }));

const run = (command: string, ...args: string[]) => runToEnd(args, { command: [command], cwd: folder });

/** The packed package in a folder of its own, beside its dependencies and nothing else of this repository. */
beforeAll(async () => {
  const packed = await run('npm', 'pack', packageRoot, '--ignore-scripts', '--silent');
  expect(packed.code, packed.stderr).toBe(0);
  mkdirSync(installed, { recursive: true });
  await run('tar', '-xzf', packed.stdout.trim(), '-C', installed, '--strip-components=1');
  for (const name of [...Object.keys(manifest.dependencies), '@types/node', '@types/ws']) {
    const link = join(folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(packageRoot, 'node_modules', name), link);
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
}, 60_000);

describe('the packed package', () => {
  it('holds what it needs to run, and no sources or tests', () => {
    expect(readdirSync(installed).sort()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json', 'schemas']);
    expect(readdirSync(join(installed, 'schemas')).every((name) => name.endsWith('.json'))).toBe(true);
    expect(readFileSync(join(installed, manifest.bin['agent-bus']), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  it('starts and stops a bus from a program of another folder, which then ends by itself', async () => {
    writeFileSync(
      join(folder, 'program.js'),
      `import { CommunicationBus } from '${manifest.name}';
       const bus = new CommunicationBus({ port: 0, apiKey: 'dev-key', logLevel: 'silent' });
       const { url } = await bus.start();
       const response = await fetch(url + '/agents', { headers: { 'x-agent-api-key': 'dev-key' } });
       console.log(response.status);
       await bus.stop();`,
    );
    expect(await run(process.execPath, 'program.js')).toMatchObject({ code: 0, stdout: '200\n', stderr: '' });
  });

  it('has types that a strict program checks against', async () => {
    writeFileSync(
      join(folder, 'program.ts'),
      `import {
         AgentFactory, type AgentConfig, type ChatInstance, CommunicationBus, type ModelProvider, SessionManager,
       } from '${manifest.name}';
       import { AnthropicProvider, OpenAICompatibleProvider, OpenAIProvider } from '${manifest.name}/providers';
       const bus = new CommunicationBus({ port: 8080, host: 'localhost', apiKey: process.env.AGENT_BUS_API_KEY ?? 'dev-key' });
       const started: { host: string; port: number; url: string } = await bus.start();
       // @ts-expect-error a port is a number
       new CommunicationBus({ port: started.url });
       // @ts-expect-error no such option
       new CommunicationBus({ prot: 8080 });
       const provider = new OpenAIProvider({ apiKey: process.env.OPENAI_API_KEY });
       const aiProviders: ModelProvider[] = [provider, new AnthropicProvider({ apiKey: 'x' })];
       const agentConfig: AgentConfig = {
         name: 'Coding Assistant',
         aiProviders: [provider],
         defaultModel: { provider: 'openai', model: 'gpt-4', temperature: 0.1, systemMessage: 'You are an expert.' },
       };
       new AgentFactory({ aiProviders }).create('coder', { name: agentConfig.name });
       // @ts-expect-error it has no place of its own
       new OpenAICompatibleProvider({ name: 'local' });
       const inSession = async (sessions: SessionManager): Promise<ChatInstance | undefined> => {
         const sessionId: string = sessions.createSession({ name: 'Development', userId: 'user-a', workspaceId: 'team-a' });
         const chatId: string = await sessions.createChat(sessionId, { name: 'Coder', agentConfig });
         sessions.switchChat(sessionId, chatId);
         return sessions.getChat(chatId);
       };
       const alone = new SessionManager({ maxSessions: 10, maxChatsPerSession: 5, enableWorkspaceIsolation: true });
       const response: string | undefined = await (await inSession(alone))?.sendMessage('Hello!');
       const chat: ChatInstance | undefined = await inSession(bus.sessionManager);
       // @ts-expect-error it may not be there
       chat.sendMessage(response);
       const sessionManager = bus['sessionManager'];
       const tutorial: string = sessionManager.createSession(
         'claude-code://orchestrator',
         [{ agent_id: 'opencode://backend', role: 'implementer' }],
         [{ name: 'design', required_agents: ['claude-code://orchestrator'] }],
         { project: 'feature/notifications' },
       );
       sessionManager.updateSharedContext(tutorial, {
         ...sessionManager.getSession(tutorial)?.shared_context,
         latestCommit: 'abc123',
       });
       // @ts-expect-error no such option
       new SessionManager({ maxSession: 10 });
       await alone.close();
       // @ts-expect-error the bus ends that one
       await bus.sessionManager.close();
       await bus.stop();`,
    );
    const options = [
      '--noEmit',
      '--strict',
      '--exactOptionalPropertyTypes',
      '--module',
      'nodenext',
      '--target',
      'es2023',
    ];
    const tsc = join(packageRoot, 'node_modules/typescript/bin/tsc');
    const { code, stdout } = await run(process.execPath, tsc, ...options, '--types', 'node', 'program.ts');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  }, 120_000);

  it('brings its command', async () => {
    const { code, stdout } = await run(process.execPath, join(installed, manifest.bin['agent-bus']), '--version');
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${manifest.version}\n` });
  });
});
