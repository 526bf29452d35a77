// Which records the disk has changed: each is told of once, whoever comes upon it.
import { BusError } from '../protocol/errors.ts';

type Listener = (id: string, error: BusError) => void;

export class Damage {
  readonly #known = new Set<string>();
  /** What was come upon before there was a listener. */
  #untold: [id: string, error: BusError][] = [];
  #listener: Listener = (id, error) => this.#untold.push([id, error]);

  /** The listener is told of those of before as well. */
  listen(listener: Listener): void {
    this.#listener = listener;
    const untold = this.#untold;
    this.#untold = [];
    for (const [id, error] of untold) listener(id, error);
  }

  /** What is read, or nothing where the record of this id is damaged: that is told. */
  unlessIn<T>(id: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
      if (this.#known.has(id)) return undefined;
      this.#known.add(id);
      this.#listener(id, error);
      return undefined;
    }
  }
}
