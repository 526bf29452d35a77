// Sources as JavaScript. What was compiled once is kept under a name made of its text, for the processes to come.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../node_modules/.cache/simulation/', import.meta.url));
const { version } = JSON.parse(
  readFileSync(new URL('../../node_modules/typescript/package.json', import.meta.url), 'utf8'),
);

/** @param {string} path @param {string} source */
export async function toJavaScript(path, source) {
  const place = `${folder}${createHash('sha256').update(`${version}\n${path}\n${source}`).digest('hex')}.js`;
  try {
    return readFileSync(place, 'utf8');
  } catch {
    const compiled = await compile(path, source);
    keep(place, compiled);
    return compiled;
  }
}

async function compile(path, source) {
  const { default: ts } = await import('typescript');
  const compilerOptions = {
    module: ts.ModuleKind.ESNext,
    target: ts.ScriptTarget.ES2023,
    verbatimModuleSyntax: true,
    inlineSourceMap: true,
  };
  return ts.transpileModule(source, { compilerOptions, fileName: basename(path) }).outputText;
}

/** Whole or not at all, whoever else does the same. A folder that cannot be written costs time only. */
function keep(place, text) {
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${place}.${process.pid}`, text);
    renameSync(`${place}.${process.pid}`, place);
  } catch {}
}
