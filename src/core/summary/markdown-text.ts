// Values as CommonMark: nothing that agents wrote can become markup.

/** A summary is to be read: what is longer is in the tasks. */
const longestValue = 2000;

/** One line of text; every character that could mean something stands behind a backslash. */
export function inline(text: string): string {
  const line = text
    .trim()
    .replace(/\s+/gu, ' ')
    .replace(/[\\`*_{}[\]<>|#~&!]/g, '\\$&');
  // What would open a list or a rule, or make a heading or a table of the line before.
  return line.replace(/^([-+=:])/, '\\$1').replace(/^(\d+)([.)])/, '$1\\$2');
}

export function stepLabel(step: string | null): string {
  return step === null ? 'no step' : inline(step);
}

export function names(agents: readonly string[]): string {
  return agents.map(inline).join(', ') || '-';
}

/** Indented code inside a list item: unlike a fence, no content can end it. */
export function code(value: unknown): string {
  const text = json(value);
  const cut = cutTo(longestValue, text);
  const lines = cut.split('\n').map((line) => `      ${line}`);
  return (cut === text ? lines : [...lines, `      ... (${text.length - cut.length} more characters)`]).join('\n');
}

/** The beginning, at most so long in UTF-16, with no half of a character at its end. */
export function cutTo(longest: number, text: string): string {
  const cut = text.slice(0, longest);
  return cut === text ? text : cut.replace(/[\ud800-\udbff]$/, '');
}

export function json(value: unknown): string {
  return JSON.stringify(value, null, 2) ?? 'null';
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** The two largest units, the smaller one cut off. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${milliseconds} ms`;
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 60) return `${(Math.floor(milliseconds / 100) / 10).toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`;
}

/** Nothing where there are no lines. */
export function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `## ${title}\n\n${lines.join('\n').trimEnd()}`;
}

export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [row(heads), `|${'---|'.repeat(heads.length)}`, ...rows.map(row)].join('\n');
}
