// Turns schemas/*.json into src/protocol/types.gen.ts; `--check` fails when the committed file differs.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { compile } from 'json-schema-to-typescript';

const folder = new URL('.', import.meta.url);
const target = new URL('../src/protocol/types.gen.ts', import.meta.url);

/** `file.json#/definitions/Name` and `#/definitions/Name` both name a definition of the one merged schema. */
const toLocalRefs = (_key, value) =>
  typeof value === 'string' && value.includes('#/definitions/') ? value.slice(value.indexOf('#')) : value;

/** Examples and the words of refusals are no types; and a `$ref` with a description beside it would become a second, numbered type. */
function typesOnly(node) {
  if (Array.isArray(node)) return node.map(typesOnly);
  if (node === null || typeof node !== 'object') return node;
  if (typeof node.$ref === 'string') return { $ref: node.$ref };
  const { examples: _examples, expects: _expects, ...rest } = node;
  return Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, typesOnly(value)]));
}

const definitions = {};
for (const file of readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .sort()) {
  const schema = JSON.parse(readFileSync(new URL(file, folder), 'utf8'), toLocalRefs);
  for (const [name, definition] of Object.entries(schema.definitions)) {
    if (definitions[name]) throw new Error(`${file}: the definition ${name} exists already`);
    definitions[name] = typesOnly({ ...definition, title: name });
  }
}

const generated = await compile({ definitions }, 'Schemas', {
  additionalProperties: false,
  bannerComment: '// Generated from schemas/ by `npm run generate`; do not edit.',
  format: true,
  style: { singleQuote: true, printWidth: 120 },
  strictIndexSignatures: true,
  unreachableDefinitions: true,
});
const text = generated
  .replace(/export interface Schemas \{[\s\S]*?\n?\}\n/, '')
  .replace(/\n \*\n \* This interface was referenced by `Schemas`'s JSON-Schema\n \* via the `definition` "\w+"\./g, '')
  .replace(
    /\/\*\*\n \* This interface was referenced by `Schemas`'s JSON-Schema\n \* via the `definition` "\w+"\.\n \*\/\n/g,
    '',
  );

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    console.error('src/protocol/types.gen.ts is out of date: run `npm run generate`');
    process.exit(1);
  }
} else {
  writeFileSync(target, text);
}
