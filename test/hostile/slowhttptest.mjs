// slowhttptest, the tool that others use for this: the bus must end what it holds and stay reachable.
import { spawn } from 'node:child_process';

/**
 * Its ways of being slow. Short answers that it reads slowly lie in the kernel, where no server sees them: those connections
 * may stay until they were idle for too long.
 * @type {Record<string, { flags: string[], ends: boolean }>}
 */
const modes = {
  'slow headers': { flags: ['-H', '-i', '2'], ends: true },
  'slow bodies': { flags: ['-B', '-i', '2', '-s', '8192', '-f', 'application/json'], ends: true },
  'slow reading': { flags: ['-X', '-n', '2', '-z', '32', '-w', '256', '-y', '512', '-k', '3'], ends: false },
};
/** Longer than any time limit of the bus for a request. */
const lengthSeconds = 30;
const connections = 100;

/** @param {import('./target.mjs').Target} target */
export async function runSlowHttpTest(target) {
  await Promise.all(
    Object.entries(modes).map(async ([name, mode]) => {
      const fault = await faultOf(target, mode);
      target.tried();
      if (fault) target.violation(`slowhttptest, ${name}: ${fault}`);
    }),
  );
}

/** @param {import('./target.mjs').Target} target @param {{ flags: string[], ends: boolean }} mode @returns {Promise<string | undefined>} */
function faultOf({ port }, { flags, ends }) {
  const url = `http://127.0.0.1:${port}/health`;
  const common = ['-c', String(connections), '-r', '50', '-l', String(lengthSeconds), '-p', '3', '-u', url, '-v', '1'];
  const child = spawn('slowhttptest', [...flags, ...common], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  child.stderr.on('data', (text) => {
    output += text;
  });
  return new Promise((resolve) => {
    child.once('error', () => resolve('it is not installed: apt-get install slowhttptest'));
    child.once('close', () => resolve(faultIn(output, ends)));
  });
}

/** @param {string} output @param {boolean} ends */
function faultIn(output, ends) {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it colours what it writes
  const plain = output.replace(/\x1b\[[0-9;]*[A-Za-z]/g, '');
  const last = plain.slice(-700);
  if (!/service available:\s+YES/.test(plain)) return `it never reached the bus:\n${last}`;
  if (/service available:\s+NO/.test(plain)) return `the bus could not be reached:\n${last}`;
  return ends && !plain.includes('No open connections left') ? `connections stay open:\n${last}` : undefined;
}
