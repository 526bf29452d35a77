// The load generator, a process of its own: takes orders for rounds from its parent and answers with what it measured.
import { runRound } from './round.mjs';

process.on('message', async (order) => {
  try {
    process.send?.({ result: await runRound(/** @type {import('./round.mjs').Order} */ (order)) });
  } catch (error) {
    process.send?.({ failure: error instanceof Error ? error.message : String(error) });
  }
});
process.once('disconnect', () => process.exit());
