// What a container of the image holds and runs, read out of the Dockerfile and laid out in a folder.
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { packageRoot, runToEnd } from './server-process.ts';

export interface ImageFile {
  /** Every instruction of the last stage, in order. */
  instructions: { name: string; value: string }[];
  env: Record<string, string>;
  entrypoint: string[];
  cmd: string[];
  healthcheck: string[];
}

/** Understands the forms that our Dockerfile uses. @throws Error for a shell-form ENTRYPOINT, CMD or HEALTHCHECK. */
export function readDockerfile(): ImageFile {
  const text = readFileSync(join(packageRoot, 'Dockerfile'), 'utf8').replace(/\\\n\s*/g, ' ');
  const all = [...text.matchAll(/^([A-Z]+) +(.*)$/gm)].map(([, name = '', value = '']) => ({ name, value }));
  const instructions = all.slice(all.findLastIndex(({ name }) => name === 'FROM'));
  const last = (name: string) => instructions.findLast((instruction) => instruction.name === name)?.value ?? '';
  const settings = instructions.filter(({ name }) => name === 'ENV').flatMap(({ value }) => value.split(/ +/));
  return {
    instructions,
    env: Object.fromEntries(settings.map((setting) => setting.split('=') as [string, string])),
    entrypoint: argv(last('ENTRYPOINT')),
    cmd: argv(last('CMD')),
    healthcheck: argv(last('HEALTHCHECK').replace(/^.*? CMD /, '')),
  };
}

function argv(value: string): string[] {
  const parsed: unknown = value.startsWith('[') ? JSON.parse(value) : undefined;
  if (!Array.isArray(parsed)) throw new Error(`not in exec form: ${value}`);
  return parsed.map(String);
}

/**
 * Lays out what the last stage copies: the built package and its production dependencies, nothing of this repository
 * beside; and `bin/node`, so that another user can run it wherever this Node lives.
 */
export async function layOutImage(folder: string): Promise<void> {
  for (const name of ['dist', 'schemas', 'package.json', 'LICENSE']) {
    cpSync(join(packageRoot, name), join(folder, name), { recursive: true });
  }
  const list = await runToEnd(['ls', '--omit=dev', '--all', '--parseable'], { command: ['npm'] });
  const packages = list.stdout.split('\n').filter((path) => path.includes('node_modules'));
  for (const path of packages) {
    cpSync(path, join(folder, relative(packageRoot, path)), { recursive: true, dereference: true });
  }
  mkdirSync(join(folder, 'bin'));
  copyFileSync(process.execPath, join(folder, 'bin', 'node'));
  chmodSync(join(folder, 'bin', 'node'), 0o755);
}
