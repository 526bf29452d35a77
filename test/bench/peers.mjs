// `npm run bench:peers`: the bus beside message brokers of the system's packages, in turns, on one core.
import { bench } from './bench.mjs';
import { listed, readCommon, usageOf } from './options.mjs';
import { inFlight, scenarios } from './scenarios.mjs';

const targets = ['yardstick', 'lmdb', 'redis', 'rabbitmq', 'nats', 'nats-sync'];
/** The targets that have an HTTP door as well. */
const twoDoors = ['yardstick', 'lmdb'];

const usage = usageOf({
  script: 'bench:peers',
  does: 'Sends the same envelopes through the bus, a bare relay and message brokers in turn and prints their rates beside each other.',
  quick: 'about 30 s',
  options: [
    `--targets <names>    of ${targets.join(', ')} (all); the first is what the others are compared`,
    '                     with. yardstick and lmdb are measured through both their doors, the brokers through their own',
  ],
});

/** @param {string} name */
function scenarioOf(name) {
  const scenario = scenarios.find((each) => each.name === name);
  if (!scenario) throw new Error(`there is no scenario ${name}`);
  return scenario;
}

/** @param {string[]} args */
function readOptions(args) {
  const common = readCommon(args, { targets: { type: 'string', default: targets.join(',') } });
  if (common.help) return usage;
  const entered = listed('--targets', common.values.targets, targets);
  const socket = scenarioOf('socket');
  const http = { ...scenarioOf('http'), lanes: inFlight };
  const entrants = entered.flatMap((target) =>
    twoDoors.includes(target)
      ? [
          { name: `${target}, sockets`, target, scenario: socket },
          { name: `${target}, HTTP`, target, scenario: http },
        ]
      : [{ name: target, target, scenario: socket }],
  );
  const about = `${inFlight} messages un-accepted, from 4 connections to 4 queues (HTTP: from ${http.lanes} to ${http.receivers})`;
  return { ...common.options, targets: entered, plans: [{ name: 'peers', about, entrants }] };
}

await bench(readOptions);
