// Waits for work as long as somebody wants it.

/**
 * The outcome of the work; what hangs is not waited for. Leaves nothing behind on the signal: a race with a promise that
 * stays pending would keep the outcome of every round.
 * @throws the reason of the signal, where that is aborted first
 */
export function unlessAborted<T>(work: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    const settle =
      <V>(pass: (value: V) => void) =>
      (value: V): void => {
        signal.removeEventListener('abort', onAbort);
        pass(value);
      };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    work.then(settle(resolve), settle(reject));
  });
}
