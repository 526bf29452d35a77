// The TypeScript of the README: it type-checks as strictly as the repository and prints what stands below it.
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';
import { codeBlocks } from './support/markdown.ts';
import { packageRoot, runToEnd } from './support/server-process.ts';

const snippets = codeBlocks.flatMap(({ language, text }, index) => {
  const below = codeBlocks[index + 1];
  return language === 'ts' ? [{ text, printed: below?.language === 'text' ? below.text : '' }] : [];
});

/** What the compiler says about each source, with the options of the repository. */
function faultsOf(sources: readonly string[]): string[][] {
  const { config } = ts.readConfigFile(`${packageRoot}tsconfig.json`, ts.sys.readFile) as { config: object };
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, packageRoot);
  const files = new Map(sources.map((text, index) => [`${packageRoot}test/readme-snippet-${index}.ts`, text]));
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.readFile = (name) => files.get(name) ?? readFile(name);
  host.getSourceFile = (name, language, ...rest) => {
    const text = files.get(name);
    return text === undefined ? getSourceFile(name, language, ...rest) : ts.createSourceFile(name, text, language);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files.keys()].map((name) => {
    const file = program.getSourceFile(name);
    const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
    return found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
  });
}

function run(source: string) {
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
  });
  return runToEnd(['--input-type=module', '-e', outputText], { command: [process.execPath] });
}

describe('the TypeScript of the README', () => {
  const mistaken =
    "import { CommunicationBus } from '@vibes/agent-communication-bus';\nnew CommunicationBus({ prot: 1 });\n";
  let faults: string[][] = [];
  let runs: Awaited<ReturnType<typeof run>>[] = [];
  beforeAll(async () => {
    const running = snippets.map(({ text }) => run(text));
    faults = faultsOf([...snippets.map(({ text }) => text), mistaken]);
    runs = await Promise.all(running);
  });

  it('is there, and a mistake in it would be noticed', () => {
    expect(snippets.length).toBeGreaterThan(1);
    expect(faults.at(-1)).toEqual([expect.stringContaining("'prot' does not exist")]);
  });

  it('type-checks', () => {
    expect(faults.slice(0, -1)).toEqual(snippets.map(() => []));
  });

  it('prints what stands below it, and ends by itself', () => {
    const expected = snippets.map(({ printed }) => ({ code: 0, signal: null, stdout: printed, stderr: '' }));
    expect(runs).toEqual(expected);
  });
});
