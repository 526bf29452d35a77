// The parts that are open: closed in the reverse order, each of them whatever becomes of the others.

interface Closable {
  close(): unknown;
}

export class Opened {
  readonly #parts: Closable[] = [];

  /** Is closed before everything that was added earlier. */
  add<Part extends Closable>(part: Part): Part {
    this.#parts.push(part);
    return part;
  }

  /** Twice is once. @throws the first error of a part, after all were closed. */
  async close(): Promise<void> {
    const errors: unknown[] = [];
    for (const part of this.#parts.splice(0).reverse()) {
      try {
        await part.close();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
