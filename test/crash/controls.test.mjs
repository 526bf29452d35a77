import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { faultControls, killControls, powerControls } from './controls.mjs';

const replacements = Object.entries({ ...killControls, ...powerControls, ...faultControls }).flatMap(
  ([name, control]) => control.replacements.map((replacement) => ({ name, ...replacement })),
);

it.each(replacements)('$name replaces a text that stands once in $file', ({ file, text }) => {
  const source = readFileSync(new URL(`../../src/${file.replace('.js', '.ts')}`, import.meta.url), 'utf8');
  expect(source.split(text)).toHaveLength(2);
});
