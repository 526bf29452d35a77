// Faults in the system calls of a running server, injected by strace into those that touch one file.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const installation = ['apt-get', 'install', '-qy', '--no-install-recommends', 'strace'];

/** @typedef {{ file: string, call: string, error: string, when: number, sticky: boolean }} Fault The `when`-th call on the file of the data directory fails; sticky: all later ones too. */

/** @param {Fault} fault */
export function describeFault({ file, call, error, when, sticky }) {
  return `${error} in ${call} ${when} of ${file}${sticky ? ' and after' : ''}`;
}

/** @returns {string | undefined} why it cannot be done here */
export function straceObstacle() {
  if (process.platform !== 'linux') return 'it needs Linux';
  if (process.getuid?.() !== 0) return 'it needs root';
  if (hasStrace()) return undefined;
  const [program = '', ...args] = installation;
  spawnSync(program, args, { stdio: 'ignore' });
  return hasStrace() ? undefined : `it needs strace: ${installation.join(' ')}`;
}

function hasStrace() {
  return spawnSync('strace', ['--version']).status === 0;
}

/**
 * Resolves when every thread of the process is watched.
 * @param {object} options
 * @param {number} options.pid
 * @param {string} options.path
 * @param {string} options.log
 * @param {Fault} options.fault
 */
export async function inject({ pid, path, log, fault: { call, error, when, sticky } }) {
  const inject = `inject=${call}:error=${error}:when=${when}${sticky ? '+' : ''}`;
  const args = ['-f', '-ttt', '-P', path, '-e', `trace=${call}`, '-e', inject, '-o', log, '-p', String(pid)];
  const strace = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise((resolve) => strace.once('close', resolve));
  let said = '';
  await new Promise((resolve, reject) => {
    strace.stderr.on('data', (chunk) => {
      said += chunk;
      if (said.includes(' attached')) resolve(undefined);
    });
    strace.once('error', reject);
    strace.once('close', () => reject(new Error(`strace ended: ${said}`)));
  });
  return {
    /** The instant of the first injected failure, in milliseconds since the epoch; undefined where it never came. */
    firstFailure: () => firstFailureIn(readFileSync(log, 'utf8')),
    stop: async () => {
      strace.kill('SIGINT');
      await ended;
    },
  };
}

/** @param {string} log @returns {number | undefined} */
export function firstFailureIn(log) {
  const line = log.split('\n').find((one) => one.includes('(INJECTED)'));
  const instant = line && /\b(\d{9,}\.\d+)\b/.exec(line)?.[1];
  return instant === undefined ? undefined : Number(instant) * 1000;
}
