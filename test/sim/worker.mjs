// One of the processes of pool.mjs: runs the seeds and the controls that it is sent.
import { readOptions } from './options.mjs';
import { seekControl, trySeed } from './trial.mjs';

const options = readOptions(process.argv.slice(2));

process.on('message', async ({ seed, control }) => {
  process.send(control === undefined ? await trySeed(options, seed) : await seekControl(options, control));
});
