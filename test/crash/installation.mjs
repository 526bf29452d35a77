// A copy of the built package in a folder of its own, whole or with a fault built in.

import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @typedef {{ file: string, text: string, by: string }} Replacement In a compiled file, the exact text and what stands there instead. */

const root = fileURLToPath(new URL('../../', import.meta.url));

/**
 * @param {string} folder Made anew. @param {readonly Replacement[]} replacements
 * @param {string} [dist] The build to copy. @returns the path of the command
 */
export async function install(folder, replacements = [], dist = join(root, 'dist')) {
  if (!existsSync(join(dist, 'cli/main.js'))) throw new Error(`${dist} holds no build: run \`npm run build\` first`);
  await mkdir(folder, { recursive: true });
  await cp(dist, join(folder, 'dist'), { recursive: true });
  await cp(join(root, 'schemas'), join(folder, 'schemas'), { recursive: true });
  await cp(join(root, 'package.json'), join(folder, 'package.json'));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const replacement of replacements) await replace(folder, replacement);
  return join(folder, 'dist/cli/main.js');
}

/** @param {string} folder @param {Replacement} replacement */
async function replace(folder, { file, text, by }) {
  const path = join(folder, 'dist', file);
  const source = await readFile(path, 'utf8');
  const [before, after, ...more] = source.split(text);
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error(`dist/${file} must hold this text exactly once, for the control to replace it: ${text}`);
  }
  await writeFile(path, `${before}${by}${after}`);
}
