import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'agent-bus-imports-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A small source tree: file -> what it imports. The allowed imports are those that the real tree has. */
const tree: Record<string, string[]> = {
  'protocol/errors.ts': ['ulid', 'ajv', 'node:fs'],
  'core/decide.ts': ['../protocol/errors.ts', '../schema/registry.ts', 'node:crypto', 'ulid'],
  'schema/registry.ts': ['../protocol/errors.ts', 'ajv', 'node:fs'],
  'client/client.ts': ['../protocol/errors.ts', '../core/decide.ts', 'ws'],
  'ports/store.ts': ['../protocol/errors.ts', '../bus/bus.ts'],
  'config/config.ts': ['../schema/registry.ts', '../ports/store.ts'],
  'providers/openai.ts': ['../ports/store.ts', '../templates/factory.ts', 'ai', '@ai-sdk/openai'],
  'templates/factory.ts': ['../schema/registry.ts', '../bus/bus.ts', 'ai'],
  'store/lmdb.ts': ['../ports/store.ts', 'lmdb'],
  'store/memory.ts': ['../ports/store.ts', '../bus/bus.ts', 'lmdb'],
  'bus/bus.ts': ['../ports/store.ts', '../core/decide.ts', '../store/memory.ts', 'fastify', 'ajv', 'lmdb', 'vitest'],
  'bus/one.ts': ['./two.ts'],
  'bus/two.ts': ['./one.ts'],
  'http/app.ts': [
    '../bus/bus.ts',
    '../providers/openai.ts',
    '../store/memory.ts',
    '../server.ts',
    'fastify',
    './gone.ts',
  ],
  'server.ts': ['./http/app.ts', './providers/openai.ts', './store/lmdb.ts', './store/memory.ts', './cli/main.ts'],
  'server/store.ts': ['../store/lmdb.ts', '../cli/main.ts'],
  'cli/main.ts': ['../server.ts', '../config/config.ts', '../client/client.ts', '../store/memory.ts'],
  'index.ts': ['./server.ts', './cli/main.ts'],
  'utils/lost.ts': [],
  'utils/other.ts': ['../protocol/errors.ts'],
};

interface Violation {
  from: string;
  to: string;
  rule: { name: string };
}

/** `rule: from -> to` of every violation in the tree. */
let found: string[];

beforeAll(async () => {
  for (const [file, imports] of Object.entries(tree)) {
    const path = join(folder, 'src', file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, imports.map((name, index) => `export * as x${index} from '${name}';\n`).join(''));
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const file of ['tsconfig.json', 'package.json']) symlinkSync(join(root, file), join(folder, file));
  const output = await cruise(folder);
  const { summary } = JSON.parse(output) as { summary: { violations: Violation[] } };
  found = summary.violations.map(({ from, to, rule }) => `${rule.name}: ${short(from)} -> ${short(to)}`);
}, 60_000);

const short = (path: string) => path.replace(/^src\//, '').replace(/^.*node_modules\/((@[^/]+\/)?[^/]+).*$/, '$1');

/** Exits with the number of errors, so a failure is no failure to run. */
function cruise(cwd: string): Promise<string> {
  const program = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const config = join(root, '.dependency-cruiser.cjs');
  return new Promise((resolve) => {
    const args = [program, 'src', '--config', config, '--output-type', 'json'];
    execFile(process.execPath, args, { cwd, maxBuffer: 2 ** 26 }, (_, stdout) => resolve(stdout));
  });
}

describe('an import against the direction', () => {
  it.each([
    'protocol-core-and-client-run-anywhere: protocol/errors.ts -> fs',
    'protocol-needs-ulid-only: protocol/errors.ts -> ajv',
    'core-imports-lower-ranks-only: core/decide.ts -> schema/registry.ts',
    'protocol-core-and-client-run-anywhere: core/decide.ts -> crypto',
    'core-and-client-need-no-package: core/decide.ts -> ulid',
    'client-imports-lower-ranks-only: client/client.ts -> core/decide.ts',
    'client-knows-the-protocol-only: client/client.ts -> core/decide.ts',
    'ports-imports-lower-ranks-only: ports/store.ts -> bus/bus.ts',
    'config-imports-lower-ranks-only: config/config.ts -> ports/store.ts',
    'providers-imports-lower-ranks-only: providers/openai.ts -> templates/factory.ts',
    'templates-imports-lower-ranks-only: templates/factory.ts -> bus/bus.ts',
    'ai-sdk-stays-in-the-providers: templates/factory.ts -> ai',
    'only-the-server-loads-providers: http/app.ts -> providers/openai.ts',
    'store-imports-lower-ranks-only: store/memory.ts -> bus/bus.ts',
    'lmdb-stays-in-its-adapter: store/memory.ts -> lmdb',
    'bus-imports-lower-ranks-only: bus/bus.ts -> store/memory.ts',
    'only-the-server-picks-adapters: bus/bus.ts -> store/memory.ts',
    'bus-knows-no-framework: bus/bus.ts -> fastify',
    'bus-knows-no-framework: bus/bus.ts -> ajv',
    'bus-knows-no-framework: bus/bus.ts -> lmdb',
    'no-development-package: bus/bus.ts -> vitest',
    'no-circles: bus/one.ts -> bus/two.ts',
    'only-the-server-picks-adapters: http/app.ts -> store/memory.ts',
    'http-imports-lower-ranks-only: http/app.ts -> server.ts',
    'resolvable: http/app.ts -> ./gone.ts',
    'server-imports-lower-ranks-only: server.ts -> cli/main.ts',
    'server-imports-lower-ranks-only: server/store.ts -> cli/main.ts',
    'only-the-server-picks-adapters: cli/main.ts -> store/memory.ts',
    'index-imports-lower-ranks-only: index.ts -> cli/main.ts',
    'no-orphans: utils/lost.ts -> utils/lost.ts',
    'every-file-has-a-rank: utils/other.ts -> protocol/errors.ts',
  ])('is flagged: %s', (violation) => expect(found).toContain(violation));

  it.each([
    ['protocol/errors.ts', 'ulid'],
    ['schema/registry.ts', 'ajv'],
    ['schema/registry.ts', 'fs'],
    ['providers/openai.ts', 'ai'],
    ['providers/openai.ts', '@ai-sdk/openai'],
    ['server.ts', 'providers/openai.ts'],
    ['store/lmdb.ts', 'lmdb'],
    ['bus/bus.ts', 'core/decide.ts'],
    ['http/app.ts', 'fastify'],
    ['server.ts', 'store/lmdb.ts'],
    ['server/store.ts', 'store/lmdb.ts'],
    ['cli/main.ts', 'config/config.ts'],
    ['index.ts', 'server.ts'],
  ])('is told from one along it: %s -> %s', (from, to) => {
    const rules = found.filter((line) => line.endsWith(`: ${from} -> ${to}`)).map((line) => line.split(':')[0]);
    expect(rules.filter((rule) => rule !== 'no-circles')).toEqual([]);
  });
});
