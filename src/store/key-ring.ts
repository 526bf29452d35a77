// The master keys that a store was opened with, each known by an id that does not give it away.
import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';

/** Bytes of a master key, and of the data keys that are made from it. */
const keyBytes = 32;
/** Bytes of the part of an id that every record bears. */
export const tagBytes = 4;
const idBytes = 8;

export interface MasterKey {
  /** 16 hex digits. */
  id: string;
  /** The first bytes of the id, as a number. */
  tag: number;
  secret: Buffer;
}

export class KeyRing {
  /** What is written is written under this one. */
  readonly primary: MasterKey;
  readonly #byTag = new Map<number, MasterKey>();

  /** @param secrets Of 32 bytes each, at least one; the first is the primary. */
  constructor(secrets: readonly Buffer[]) {
    const [primary, ...others] = secrets.map(masterKey);
    if (!primary) throw new RangeError('a key ring needs a key');
    this.primary = primary;
    for (const key of [...others, primary]) this.#byTag.set(key.tag, key);
  }

  has(id: string): boolean {
    return [...this.#byTag.values()].some((key) => key.id === id);
  }

  hasTag(tag: number): boolean {
    return this.#byTag.has(tag);
  }

  /**
   * A key that nothing else is encrypted under: whoever has it has neither the master key nor any other data key.
   * Undefined where no master key has this tag.
   */
  dataKey(tag: number, salt: Buffer, purpose: string): KeyObject | undefined {
    const master = this.#byTag.get(tag);
    if (!master) return undefined;
    return createSecretKey(Buffer.from(hkdfSync('sha256', master.secret, salt, purpose, keyBytes)));
  }
}

function masterKey(secret: Buffer): MasterKey {
  if (secret.length !== keyBytes) throw new RangeError(`a key has ${keyBytes} bytes, not ${secret.length}`);
  const id = Buffer.from(hkdfSync('sha256', secret, '', 'agent-bus key id', idBytes));
  return { id: id.toString('hex'), tag: id.readUInt32LE(0), secret };
}
