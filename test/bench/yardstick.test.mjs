// The yardstick reads the same schemas as the bus; when they get a keyword that it does not know, it must not be found out late.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('the yardstick starts with the schemas as they are', async () => {
  const file = fileURLToPath(new URL('yardstick.mjs', import.meta.url));
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const lines = createInterface({ input: child.stdout });
  const [first] = await Promise.race([once(lines, 'line'), ended]);
  child.kill();
  expect(String(first)).toMatch(/^listening on http/);
  expect(await ended).toEqual([0, null]);
});
