// `npm run test:power`: the power fails at random moments under load; nothing that was confirmed may be lost.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { powerControls } from './controls.mjs';
import { readOptions } from './options.mjs';
import { obstacle, preparePower } from './power-ground.mjs';
import { runSuite } from './suite.mjs';

const inside = 'AGENT_BUS_TEST_NAMESPACE';

async function main() {
  const options = readOptions(process.argv.slice(2), { cycles: 10, controls: Object.keys(powerControls) });
  const reason = obstacle();
  if (reason) {
    console.log(`test:power was skipped: ${reason}`);
    return 0;
  }
  if (process.env[inside] === undefined) {
    // Whatever is mounted from here on nobody else sees, and it goes when this process does.
    const args = [
      '--mount',
      '--propagation',
      'private',
      process.execPath,
      fileURLToPath(import.meta.url),
      ...process.argv.slice(2),
    ];
    return spawnSync('unshare', args, { stdio: 'inherit', env: { ...process.env, [inside]: '1' } }).status ?? 1;
  }
  return (await runSuite({ name: 'test:power', controls: powerControls, prepare: preparePower }, options)) ? 0 : 1;
}

process.exitCode = await main();
