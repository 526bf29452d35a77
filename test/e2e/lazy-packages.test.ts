// Packages that few need are loaded by who needs them, and by nobody else: judged by what a process has really loaded.
import { describe, expect, it } from 'vitest';
import { runToEnd } from '../support/server-process.ts';

/** Writes the names of those that were loaded, as its last act. */
const watch = `
  import { register } from 'node:module';
  const loaded = new Set();
  globalThis.loadedPackages = loaded;
  const { port1, port2 } = new MessageChannel();
  port1.on('message', (name) => loaded.add(name));
  port1.unref();
  const hooks = \`
    let port;
    export const initialize = (data) => { port = data.port; };
    export async function resolve(specifier, context, next) {
      const resolved = await next(specifier, context);
      const found = /node_modules.(ai|@ai-sdk.[^/]+|jose|prom-client)./.exec(resolved.url);
      if (found) port.postMessage(found[1]);
      return resolved;
    }\`;
  register('data:text/javascript,' + encodeURIComponent(hooks), { data: { port: port2 }, transferList: [port2] });
`;

async function loadedBy(program: string): Promise<string[]> {
  const source = `${program};
    await new Promise((resolve) => setTimeout(resolve, 50));
    console.log(JSON.stringify([...globalThis.loadedPackages].sort()));`;
  const command = [process.execPath, '--import', `data:text/javascript,${encodeURIComponent(watch)}`];
  const { code, stdout, stderr } = await runToEnd(['--input-type=module', '-e', source], { command });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as string[];
}

const trust = {
  jwtIssuer: 'https://issuer.example',
  jwtAudience: 'bus',
  jwtSecret: 'x'.repeat(32),
};

const busWith = (more: object) => `
  const { CommunicationBus, AgentFactory } = await import('@vibes/agent-communication-bus');
  const providers = { local: { kind: 'openai-compatible', baseURL: 'http://127.0.0.1:1/v1' } };
  const options = { port: 0, apiKey: 'dev-key', logLevel: 'silent', providers };
  const bus = new CommunicationBus({ ...options, ...${JSON.stringify(more)} });
  const { url } = await bus.start();
  new AgentFactory().templates.list();
  bus.providers.list();`;
const bus = busWith({});

describe('the AI SDK', () => {
  it('is not loaded by a bus that runs with providers, nor by its templates', async () => {
    expect(await loadedBy(`${bus} await bus.stop();`)).toEqual([]);
  });

  it('is loaded when a provider is asked for, and only what that one needs', async () => {
    const loaded = await loadedBy(`${bus} await bus.providers.get('local'); await bus.stop();`);
    expect(loaded).toEqual(expect.arrayContaining(['ai', '@ai-sdk/openai-compatible']));
    expect(loaded).not.toContain('@ai-sdk/anthropic');
  });

  it('is loaded by the entry of the providers', async () => {
    const loaded = await loadedBy(`await import('@vibes/agent-communication-bus/providers')`);
    expect(loaded).toEqual(expect.arrayContaining(['ai', '@ai-sdk/anthropic', '@ai-sdk/openai']));
  });
});

describe('what else a bus starts without', () => {
  it('is loaded where an issuer of tokens is trusted', async () => {
    expect(await loadedBy(`${busWith(trust)} await bus.stop();`)).toEqual(['jose']);
  });

  it('is loaded when figures are asked for', async () => {
    const ask = `await (await fetch(url + '/metrics', { headers: { 'x-agent-api-key': 'dev-key' } })).text()`;
    expect(await loadedBy(`${bus} ${ask}; await bus.stop();`)).toEqual(['prom-client']);
  });
});
