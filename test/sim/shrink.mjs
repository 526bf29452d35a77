// Makes a failing seed smaller: fewer kinds of trouble first, then fewer turns.

/**
 * @param {(options: any) => Promise<any>} run @param {{ seed: number, steps: number, without: string[] }} choice
 */
export async function shrink(run, choice) {
  let best = { ...choice, outcome: await run(choice) };
  const [{ invariant }] = best.outcome.violations;
  /** Keeps the smaller world where the same promise is broken in it. */
  const attempt = async (smaller) => {
    const outcome = await run(smaller);
    if (outcome.violations[0]?.invariant !== invariant) return false;
    best = { ...smaller, outcome };
    return true;
  };
  for (const feature of best.outcome.features) {
    await attempt({ ...choice, without: [...best.without, feature], steps: best.steps });
  }
  for (let steps = Math.floor(best.steps / 2); steps >= 20; steps = Math.floor(steps / 2)) {
    if (!(await attempt({ ...choice, without: best.without, steps }))) break;
  }
  return best;
}
