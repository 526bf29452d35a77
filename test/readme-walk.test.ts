// The walk of the README and its chat, typed into a shell as they stand, beside a bus of its own; only the port is another.
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeBlocks } from './support/markdown.ts';
import { packageRoot, runToEnd, type ServerProcess, startServer } from './support/server-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'agent-bus-walk-'));
const mark = '--- end of block ---';

function stepsIn(title: string) {
  const blocks = codeBlocks.filter(({ section }) => section === title);
  return blocks.flatMap(({ language, text }, index) => {
    const below = blocks[index + 1];
    return language === 'sh' ? [{ text, shown: below && below.language !== 'sh' ? below : undefined }] : [];
  });
}

const walk = stepsIn('A walk');
const steps = [...walk, ...stepsIn('Chats')];

let server: ServerProcess;
beforeAll(async () => {
  symlinkSync(join(packageRoot, 'node_modules'), join(folder, 'node_modules'));
  server = await startServer(['--persistence-enabled'], { cwd: folder });
});
afterAll(async () => {
  server.kill('SIGKILL');
  await server.exited;
  rmSync(folder, { recursive: true });
});

/** What each piece of shell printed; they share one shell. @throws Error where one of them fails */
async function type(pieces: readonly string[]): Promise<string[]> {
  const script = pieces
    .map((text) => `${text.replaceAll('localhost:8080', new URL(server.url).host)}\nprintf '\\n%s\\n' '${mark}'\n`)
    .join('');
  const { code, stdout, stderr } = await runToEnd(['-e', '-c', script], { command: ['bash'], cwd: folder });
  const printed = stdout.split(`\n${mark}\n`).slice(0, -1);
  if (code !== 0 || printed.length < pieces.length) throw new Error(`block ${printed.length} failed: ${stderr}`);
  return printed;
}

/** What differs between two runs stands under a name. */
function settled(text: string): string {
  return text
    .replace(/_[0-9A-HJKMNP-TV-Z]{26}/g, '_ULID')
    .replace(/sess_notifications_\d+/g, 'SESSION')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, 'TIME')
    .trim();
}

describe('the walk of the README', () => {
  let printed: string[] = [];
  let sessionId = '';
  beforeAll(async () => {
    printed = await type([...steps.map(({ text }) => text), 'echo $sessionId']);
    sessionId = printed.pop()?.trim() ?? '';
  });

  it('has steps, most of which show what they print', () => {
    expect(steps.filter(({ shown }) => shown).length).toBeGreaterThan(5);
    expect(sessionId).toMatch(/^sess_notifications_\d+$/);
  });

  it.each(steps.map((step, index) => ({ ...step, index, title: step.text.split('\n')[0] })))(
    'prints what it shows after $title',
    ({ shown, index }) => {
      const output = settled(printed[index] ?? '');
      if (shown?.language === 'json') expect(JSON.parse(output)).toEqual(JSON.parse(settled(shown.text)));
      else expect(output).toBe(settled(shown?.text ?? ''));
    },
  );

  it('is all still there after kill -9 and a new start', async () => {
    server.kill('SIGKILL');
    await server.exited;
    server = await startServer(['--persistence-enabled'], { cwd: folder });
    const [keyAndShortForm = ''] = walk.map(({ text }) => text);
    const reading = [walk.length - 2, walk.length - 1, steps.length - 1];
    const again = reading.map((index) => steps[index]?.text ?? '');
    const [, , ...read] = await type([`sessionId=${sessionId}`, keyAndShortForm, ...again]);
    expect(read.map(settled)).toEqual(reading.map((index) => settled(printed[index] ?? '')));
    expect(read.join()).toMatch(/review.*try the way back first/s);
  });
});
