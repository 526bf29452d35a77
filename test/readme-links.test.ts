import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import manifest from '../package.json' with { type: 'json' };
import { codeBlocks, prose, quoted, tableOf } from './support/markdown.ts';
import { packageRoot } from './support/server-process.ts';

const isThere = (path: string): boolean => existsSync(packageRoot + path);
const all = (pattern: RegExp): string[] => [...prose.matchAll(pattern)].map(([, found = '']) => found);

describe('the README', () => {
  it('links to headings and files that exist', () => {
    const anchors = all(/^#+ (.+)$/gm).map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    );
    const links = all(/\]\(([^)]+)\)/g);
    expect(links.length).toBeGreaterThan(15);
    for (const link of links) {
      if (link.startsWith('#')) expect(anchors).toContain(link.slice(1));
      else expect(isThere(link), link).toBe(true);
    }
  });

  it('names its sections in the contents, in their order', () => {
    const sections = all(/^## (.+)$/gm).filter((section) => section !== 'Licence');
    const [contents = ''] = all(/^Contents: (.*?)\n\n/gms);
    expect([...contents.matchAll(/\[([^\]]+)\]/g)].map(([, name]) => name)).toEqual(sections);
  });

  it('names files and folders that exist', () => {
    const paths = all(/(?<![\w./-])((?:src|test|schemas|docker)\/[\w./-]*)/g);
    expect(paths.length).toBeGreaterThan(30);
    for (const path of paths) expect(isThere(path), path).toBe(true);
    for (const name of ['.dependency-cruiser.cjs', 'Dockerfile', 'LICENSE']) {
      expect(prose).toContain(name);
      expect(isThere(name), name).toBe(true);
    }
  });

  it.each([
    ['guarantee', 'promise'],
    ['attack', 'attack'],
  ])('names for every %s a test that exists', (_what, column) => {
    const rows = tableOf(column);
    expect(rows.length).toBeGreaterThan(5);
    for (const { [column]: promise, test = '' } of rows) {
      const [, file = '', name = ''] = /^`([^`]+)`: "([^"]+)"$/.exec(test) ?? [];
      expect(name, promise).not.toBe('');
      expect(readFileSync(packageRoot + file, 'utf8'), promise).toContain(`it('${name}'`);
    }
  });

  it('begins with the two commands, which run scripts that exist', () => {
    const commands = codeBlocks.slice(0, 2).map(({ text }) => text.trim());
    expect(commands).toEqual(['npm ci && npm start', 'npm cit']);
    // `npm cit` is `npm ci` and then the script `test`.
    expect(Object.keys(manifest.scripts)).toEqual(expect.arrayContaining(['start', 'test']));
    expect(manifest.scripts.start).toContain('--persistence-enabled');
  });

  it('names only scripts that exist', () => {
    const scripts = quoted(prose).flatMap((code) => /^npm run (\w+)/.exec(code)?.[1] ?? []);
    expect(scripts.length).toBeGreaterThan(2);
    for (const script of scripts) expect(manifest.scripts).toHaveProperty(script);
  });

  it('needs the Node that the package asks for', () => {
    expect(prose).toContain(`Node ${manifest.engines.node.slice(2)} or later`);
  });
});
