// Runs a program again where what it mounts nobody else sees, and goes when it does.
import { spawnSync } from 'node:child_process';

const inside = 'AGENT_BUS_TEST_NAMESPACE';

/**
 * @param {string} program The file that is running.
 * @returns {number | undefined} The exit code of the run in a mount namespace of its own; undefined inside it.
 */
export function rerunWithPrivateMounts(program) {
  if (process.env[inside] !== undefined) return undefined;
  const args = ['--mount', '--propagation', 'private', process.execPath, program, ...process.argv.slice(2)];
  return spawnSync('unshare', args, { stdio: 'inherit', env: { ...process.env, [inside]: '1' } }).status ?? 1;
}
