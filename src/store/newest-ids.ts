// Ids that no table can have, without a look at it: those behind the newest of their kind. Ids that begin with the time, or
// count, nearly always are, and each message asks whether its id is known.

/** What the ids of one kind begin with: `msg_`, `task`, or the name of their workspace. */
const kindLength = 4;
/** Of random ids there would be no end: those of further kinds are looked for. */
const mostKinds = 256;

export class NewestIds {
  readonly #find: (kind: string) => string | undefined;
  readonly #newest = new Map<string, string>();

  /** `find` looks for the last id in the table that begins so. Ids are ASCII: texts have the order of the table. */
  constructor(find: (kind: string) => string | undefined) {
    this.#find = find;
  }

  /** Whether it is behind all of its kind that the table has or is to have. */
  isNewer(id: string): boolean {
    const newest = this.#of(id.slice(0, kindLength));
    return newest !== undefined && id > newest;
  }

  /** To be called before it is put into the table. */
  add(id: string): void {
    const kind = id.slice(0, kindLength);
    const newest = this.#of(kind);
    if (newest !== undefined && id > newest) this.#newest.set(kind, id);
  }

  #of(kind: string): string | undefined {
    const known = this.#newest.get(kind);
    if (known !== undefined || this.#newest.size >= mostKinds) return known;
    const found = this.#find(kind) ?? '';
    this.#newest.set(kind, found);
    return found;
  }
}
