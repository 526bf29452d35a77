// The tutorial as a program of its own: it prints what it promises and ends by itself.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Port 8080 may be taken where tests run; everything else is as in the file. */
function runnable(file: string): string {
  const source = readFileSync(new URL(file, import.meta.url), 'utf8').replace('port: 8080', 'port: 0');
  return transpileModule(source, { compilerOptions: { module: ModuleKind.ESNext, target: ScriptTarget.ES2022 } })
    .outputText;
}

it('the session tutorial runs as printed and its process ends by itself', async () => {
  const { stdout } = await promisify(execFile)('node', ['--input-type=module', '-e', runnable('tutorial.ts')], {
    cwd: root,
    env: { ...process.env, AGENT_BUS_API_KEY: 'tutorial-key' },
    timeout: 15_000,
  });
  const sessionId = /New session: (\S+)/.exec(stdout)?.[1];
  expect(sessionId).toMatch(/^sess_/);
  expect(stdout).toContain(`Session created ${sessionId}`);
  expect(stdout).toContain(`Session done ${sessionId}`);
  expect(stdout).toContain('Task delegated');
  const [, status, body = ''] = /Receipt: (\d+) (.*)/.exec(stdout) ?? [];
  expect(status).toBe('202');
  expect(JSON.parse(body)).toMatchObject({
    success: true,
    message_id: 'task_impl_backend',
    status: 'queued',
    recipient: { agent_id: 'opencode://backend', online: false },
    task: { session_id: sessionId, step: 'implementation' },
  });
});
