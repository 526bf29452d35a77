// Lets Node run the sources as they are, and with faults built in: a module asked for with `?control=name` gets the texts of
// that control replaced, and so does all that it imports.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { toJavaScript } from './compiled.mjs';

/** @type {Record<string, { file: string, text: string, by: string }[]>} */
let controls = {};

/** @param {{ controls: typeof controls }} data */
export function initialize(data) {
  controls = data.controls;
}

export async function resolve(specifier, context, nextResolve) {
  const control = new URL(context.parentURL ?? 'file:///').searchParams.get('control');
  const resolved = await nextResolve(specifier, context);
  if (!control || !resolved.url.endsWith('.ts')) return resolved;
  return { ...resolved, url: `${resolved.url}?control=${control}` };
}

export async function load(url, context, nextLoad) {
  const { pathname, searchParams } = new URL(url);
  if (!pathname.endsWith('.ts')) return nextLoad(url, context);
  const path = fileURLToPath(`file://${pathname}`);
  const replacements = (controls[searchParams.get('control') ?? ''] ?? []).filter(({ file }) =>
    path.endsWith(`/src/${file}`),
  );
  return {
    format: 'module',
    source: await (replacements.length > 0 ? faulty(path, replacements) : sound(path)),
    shortCircuit: true,
  };
}

/** Modules as they are: the same for every control. @type {Map<string, Promise<string>>} */
const known = new Map();

function sound(path) {
  const source = known.get(path) ?? toJavaScript(path, readFileSync(path, 'utf8'));
  known.set(path, source);
  return source;
}

function faulty(path, replacements) {
  let source = readFileSync(path, 'utf8');
  for (const { text, by } of replacements) {
    if (source.split(text).length !== 2) throw new Error(`${path} must hold this text exactly once: ${text}`);
    source = source.replace(text, () => by);
  }
  return toJavaScript(path, source);
}
