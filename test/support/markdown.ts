// README.md taken apart: code blocks with their section, tables by their first heading, prose.
import { readFileSync } from 'node:fs';
import { packageRoot } from './server-process.ts';

const readme = readFileSync(`${packageRoot}README.md`, 'utf8');

interface CodeBlock {
  /** The heading above it. */
  section: string;
  language: string;
  text: string;
}

const fence = /^```(\w*)\n(.*?)^```$/gms;

/** In their order. */
export const codeBlocks: readonly CodeBlock[] = readme.split(/^## /m).flatMap((part) => {
  const section = part.slice(0, part.indexOf('\n'));
  return [...part.matchAll(fence)].map(([, language = '', text = '']) => ({ section, language, text }));
});

/** All that is not in a code block. */
export const prose = readme.replace(fence, '');

/** What a cell or a text has in code marks. */
export function quoted(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
}

/** The rows of the table whose first column has that heading, each by the headings. @throws Error where there is none. */
export function tableOf(firstHeading: string): Record<string, string>[] {
  const [, heading = '', body = ''] =
    new RegExp(`^(\\| ${firstHeading} \\|.*)\\n\\|[-|]+\\n((?:\\|.*\\n)+)`, 'm').exec(prose) ?? [];
  if (!body) throw new Error(`README.md has no table with the first column ${firstHeading}`);
  const names = cellsOf(heading);
  return body
    .trimEnd()
    .split('\n')
    .map((line) => Object.fromEntries(cellsOf(line).map((cell, column) => [names[column] ?? '', cell])));
}

function cellsOf(line: string): string[] {
  return line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());
}
