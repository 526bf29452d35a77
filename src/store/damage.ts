// Which records the disk has changed: each is told of once, whoever comes upon it.
import { BusError } from '../protocol/errors.ts';

export class Damage {
  readonly #errors = new Map<string, BusError>();
  #listener: (id: string, error: BusError) => void = () => undefined;

  /** The listener is told of those of before as well. */
  listen(listener: (id: string, error: BusError) => void): void {
    this.#listener = listener;
    for (const [id, error] of this.#errors) listener(id, error);
  }

  /** What is read, or nothing where the record of this id is damaged: that is told. */
  unlessIn<T>(id: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
      if (!this.#errors.has(id)) this.#listener(id, error);
      this.#errors.set(id, error);
      return undefined;
    }
  }
}
