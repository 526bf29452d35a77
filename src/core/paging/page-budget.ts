// How much goes on one page of a list: items may be a megabyte each, and all of a page is in memory at once.

/** Bytes of content, about. */
const pageBytes = 4_194_304;

export class PageBudget {
  #spent = 0;

  /** Whether an item of this size goes on the page as well: the first always does, and ends it where it is that large. */
  takes(bytes: number): boolean {
    const isFirst = this.#spent === 0;
    this.#spent += Math.max(1, bytes);
    return isFirst || this.#spent <= pageBytes;
  }
}

/** The first of them that go on one page. Looks at no more of them than at one that does not. */
export function onOnePage<T>(items: Iterable<T>, sizeOf: (item: T) => number): T[] {
  const budget = new PageBudget();
  const page: T[] = [];
  for (const item of items) {
    if (!budget.takes(sizeOf(item))) break;
    page.push(item);
  }
  return page;
}
