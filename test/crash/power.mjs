// `npm run test:power`: the power fails at random moments under load; nothing that was confirmed may be lost.
import { fileURLToPath } from 'node:url';
import { powerControls } from './controls.mjs';
import { readOptions } from './options.mjs';
import { obstacle, preparePower } from './power-ground.mjs';
import { rerunWithPrivateMounts } from './private-mounts.mjs';
import { runSuite } from './suite.mjs';

async function main() {
  const options = readOptions(process.argv.slice(2), { cycles: 10, controls: Object.keys(powerControls) });
  const reason = obstacle();
  if (reason) {
    console.log(`test:power was skipped: ${reason}`);
    return 0;
  }
  const outside = rerunWithPrivateMounts(fileURLToPath(import.meta.url));
  if (outside !== undefined) return outside;
  return (await runSuite({ name: 'test:power', controls: powerControls, prepare: preparePower }, options)) ? 0 : 1;
}

process.exitCode = await main();
