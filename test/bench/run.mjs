// `npm run bench`: the bus beside a bare relay, in turns, on a core of its own, as ratios.
import { bench } from './bench.mjs';
import { listed, readCommon, usageOf } from './options.mjs';
import { scenarios } from './scenarios.mjs';

const names = scenarios.map(({ name }) => name);
const standard = scenarios.filter((scenario) => scenario.standard).map(({ name }) => name);
const targets = ['yardstick', 'memory', 'lmdb', 'encrypted', 'control', 'corked', 'unmasking'];

const usage = usageOf({
  script: 'bench',
  does: "Sends envelopes through the bus and through a bare relay in turn and prints the bus's rate as a share of the relay's.",
  quick: 'about 25 s',
  options: [
    `--scenario <names>   of ${names.join(', ')} (${standard.join(',')})`,
    `--targets <names>    of ${targets.join(', ')} (yardstick,memory,lmdb); the first is what the others are`,
    '                     compared with; encrypted is lmdb with encryption, control a second yardstick and shows the noise,',
    '                     corked one that writes once a turn, unmasking one with the addon that unmasks frames',
    '--profile <target>   run this target alone for 10 s a scenario under --cpu-prof and print where its time went',
  ],
});

/** @param {string[]} args */
function readOptions(args) {
  const common = readCommon(args, {
    scenario: { type: 'string', default: standard.join(',') },
    targets: { type: 'string', default: 'yardstick,memory,lmdb' },
    profile: { type: 'string' },
  });
  if (common.help) return usage;
  const { scenario, profile } = common.values;
  const chosen = listed('--scenario', scenario, names);
  const entered = listed('--targets', common.values.targets, targets);
  return {
    ...common.options,
    targets: entered,
    profile: profile === undefined ? undefined : listed('--profile', profile, targets)[0],
    plans: scenarios
      .filter(({ name }) => chosen.includes(name))
      .map((each) => ({
        name: each.name,
        about: each.about,
        entrants: entered.map((target) => ({ name: target, target, scenario: each })),
      })),
  };
}

await bench(readOptions);
