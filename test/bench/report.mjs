// What a person reads: one table a scenario, and whatever speaks against trusting it.
import { pinning } from './processes.mjs';

const titles = [
  'target',
  'msgs/s [min-max]',
  'ratio [middle half]',
  'CPU ratio',
  'CPU us/msg',
  'server core',
  'load core',
  'full p50/p99 ms',
  'half load p50/p99 ms',
  'MiB',
];

/** @param {import('./comparison.mjs').Comparison} comparison */
export function renderComparison({ name, about, targets }) {
  const rows = [titles, ...targets.map(rowOf)];
  const widths = titles.map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  );
  return [`${name}: ${about}`, ...lines.map((line) => `  ${line}`)].join('\n');
}

/** @param {import('./comparison.mjs').TargetResult} result */
function rowOf(result) {
  const { perSecond, ratio, cpuRatio, latencyMs, half } = result;
  return [
    result.name,
    `${whole(perSecond.median)} [${whole(perSecond.min)}-${whole(perSecond.max)}]`,
    `${ratio.median.toFixed(2)} [${ratio.q1.toFixed(2)}-${ratio.q3.toFixed(2)}]`,
    cpuRatio?.toFixed(2) ?? '-',
    result.cpuPerMessageUs?.toFixed(1) ?? '-',
    percent(result.serverBusy),
    percent(result.loadBusy),
    latency(latencyMs),
    `${latency(half.latencyMs)} at ${whole(half.perSecond)}/s`,
    result.peakMemoryMiB === undefined ? '-' : whole(result.peakMemoryMiB),
  ];
}

/** The same as the README shows it, with the middle of what `renderComparison` gives. @param {import('./comparison.mjs').Comparison[]} comparisons */
export function renderMarkdown(comparisons) {
  const head = [
    'scenario',
    'target',
    'msgs/s',
    'ratio',
    'CPU us/msg',
    'p50/p99 ms, full load',
    'p50/p99 ms, half load',
    'MiB',
  ];
  const rows = comparisons.flatMap(({ name, targets }) =>
    targets.map((result) => [
      name,
      result.name,
      whole(result.perSecond.median),
      result.ratio.median.toFixed(2),
      result.cpuPerMessageUs?.toFixed(1) ?? '-',
      latency(result.latencyMs),
      latency(result.half.latencyMs),
      result.peakMemoryMiB === undefined ? '-' : whole(result.peakMemoryMiB),
    ]),
  );
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** @param {{ p50: number, p99: number }} times */
function latency({ p50, p99 }) {
  return `${p50.toFixed(1)}/${p99.toFixed(1)}`;
}

/** What makes a figure doubtful, in sentences. @param {import('./comparison.mjs').Comparison[]} comparisons */
export function doubtsOf(comparisons) {
  const pinned =
    pinning.server === undefined ? ['Server and load share their cores here: only the ratios mean something.'] : [];
  return [...pinned, ...comparisons.flatMap(({ name, targets }) => targets.flatMap((target) => doubts(name, target)))];
}

/** @param {string} scenario @param {import('./comparison.mjs').TargetResult} result */
function doubts(scenario, { name, loadBusy, serverBusy, disturbed, half }) {
  const subject = `${scenario}, ${name}`;
  const found = [];
  if (loadBusy >= 0.95) {
    found.push(
      `NOT VALID: ${subject}: the load generator used ${percent(loadBusy)} of its core and may be what was measured.`,
    );
  } else if (serverBusy !== undefined && serverBusy < 0.9) {
    found.push(
      `${subject}: the server used only ${percent(serverBusy)} of its core; it waited for the disk, the load or its turn.`,
    );
  }
  if (disturbed !== undefined && disturbed > 0.05) {
    found.push(`${subject}: other programs took ${percent(disturbed)} of the server's core.`);
  }
  if (half.perSecond < half.asked * 0.95) {
    found.push(`${subject}: half load was ${whole(half.perSecond)}/s and not the ${whole(half.asked)}/s asked for.`);
  }
  return found;
}

/** @param {number} number */
function whole(number) {
  return Math.round(number).toLocaleString('en-US');
}

/** @param {number | undefined} share */
function percent(share) {
  return share === undefined ? '-' : `${Math.round(share * 100)}%`;
}
