// The operator's keys: now and then there is a new one at a start; an earlier one is kept until the store needs it no more.
import { KeyRing } from '../../src/store/key-ring.ts';
import { Random } from './random.ts';

const newKeyChance = 0.4;

export class Keys {
  /** Of its own, so that a world is the same with encryption and without. */
  readonly #random: Random;
  #made = 0;
  #secrets: Buffer[] = [];

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  forNextRun(): KeyRing {
    if (this.#secrets.length === 0 || this.#random.chance(newKeyChance)) {
      this.#secrets = [Buffer.alloc(32, `key ${++this.#made} `), ...this.#secrets];
    }
    return new KeyRing(this.#secrets);
  }

  forgetEarlier(): void {
    this.#secrets = this.#secrets.slice(0, 1);
  }
}
