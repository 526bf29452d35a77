// How many un-acked offers a socket may hold, and which it holds until when.

export class Window {
  readonly #size: number;
  readonly #onRoom: () => void;
  /** When the leases end, by message id. */
  readonly #leases = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  /** `onRoom` is called when a full window has room again. */
  constructor(size: number, onRoom: () => void) {
    this.#size = size;
    this.#onRoom = onRoom;
  }

  get room(): number {
    if (this.#leases.size < this.#size) return this.#size - this.#leases.size;
    this.#dropEnded();
    if (this.#leases.size >= this.#size) this.#wakeAtNextEnd();
    return this.#size - this.#leases.size;
  }

  /** True while a lease is open. */
  get busy(): boolean {
    this.#dropEnded();
    return this.#leases.size > 0;
  }

  hold(messageId: string, leaseEndsAt: number): void {
    this.#leases.set(messageId, leaseEndsAt);
  }

  extend(messageId: string, leaseEndsAt: number): void {
    if (this.#leases.has(messageId)) this.#leases.set(messageId, leaseEndsAt);
  }

  free(messageIds: readonly string[]): void {
    const wasFull = this.#leases.size >= this.#size;
    for (const messageId of messageIds) this.#leases.delete(messageId);
    if (wasFull && this.#leases.size < this.#size) this.#onRoom();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#leases.clear();
  }

  #dropEnded(): void {
    const now = Date.now();
    for (const [messageId, endsAt] of this.#leases) if (endsAt <= now) this.#leases.delete(messageId);
  }

  /** The mailbox may have no news by then: nobody else would ask again. */
  #wakeAtNextEnd(): void {
    if (this.#timer) return;
    const next = Math.min(...this.#leases.values());
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#onRoom();
      },
      Math.min(next - Date.now() + 1, 2 ** 31 - 1),
    );
    this.#timer.unref();
  }
}
