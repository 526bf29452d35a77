// Runs the built command as a process of its own, the way a user does.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const packageRoot = fileURLToPath(new URL('../../', import.meta.url));
export const mainFile = `${packageRoot}dist/cli/main.js`;

/** The built command after a piece of JavaScript that runs in the same process: what no input from outside provokes. */
export function withPreload(source: string): string[] {
  return [process.execPath, '--import', `data:text/javascript,${encodeURIComponent(source)}`, mainFile];
}

export interface ProcessOptions {
  /** What comes before the arguments; the built command with this Node where left out. */
  command?: readonly string[];
  cwd?: string;
  /** All that it sees of the environment, besides PATH. */
  env?: Readonly<Record<string, string>>;
  /** User and group to run as; only root may choose. */
  uid?: number;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export class CliProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  /** Resolves when the process is gone and its output is read to the end. */
  readonly exited: Promise<Exit>;
  stdout = '';
  stderr = '';

  constructor(args: readonly string[], { command, cwd, env, uid }: ProcessOptions = {}) {
    if (!command && !existsSync(mainFile)) throw new Error('dist/ is missing: npm run build');
    const [program = '', ...rest] = [...(command ?? [process.execPath, mainFile]), ...args];
    this.#child = spawn(program, rest, {
      cwd: cwd ?? packageRoot,
      env: { PATH: process.env.PATH, ...env },
      ...(uid !== undefined && { uid, gid: uid }),
    });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.exited = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => resolve({ code, signal }));
    });
    // Whoever waits sees it; a process that nobody waits for any more may fail to start in peace.
    this.exited.catch(() => undefined);
  }

  write(text: string): void {
    this.#child.stdin.write(text);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** The first match of `pattern` in stdout. @throws Error with the output when the process ends without one. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    const ended = this.exited.then(() => true);
    for (;;) {
      const match = pattern.exec(this.stdout);
      if (match) return match;
      const more = new Promise<false>((resolve) => this.#child.stdout.once('data', () => resolve(false)));
      if ((await Promise.race([more, ended])) && !pattern.test(this.stdout)) {
        throw new Error(`the process ended without printing ${pattern}:\n${this.stdout}${this.stderr}`);
      }
    }
  }

  /** The lines of stderr. @throws SyntaxError for a line that is not JSON. */
  logLines(): Record<string, unknown>[] {
    return this.stderr
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }
}

/** Runs a command to its end. */
export async function runToEnd(args: readonly string[], options?: ProcessOptions) {
  const process = new CliProcess(args, options);
  const { code, signal } = await process.exited;
  return { code, signal, stdout: process.stdout, stderr: process.stderr };
}

export interface ServerProcess extends CliProcess {
  url: string;
}

/** Starts `serve` on a free port of 127.0.0.1 and waits until it listens; the caller kills it. */
export async function startServer(args: readonly string[], options?: ProcessOptions): Promise<ServerProcess> {
  const process = new CliProcess(['serve', '--port', '0', ...args], options);
  const [, url = ''] = await process.printed(/listens on (https?:\S+)\n/);
  return Object.assign(process, { url });
}
