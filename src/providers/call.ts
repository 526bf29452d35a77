// One call to a provider: it ends when its caller aborts it, or when the provider is silent for too long.
import { unlessAborted } from '../core/abort/unless-aborted.ts';
import { formatSetting } from '../protocol/durations.ts';
import { BusError } from '../protocol/errors.ts';

export class Call {
  readonly #provider: string;
  readonly #silenceMs: number;
  readonly #outer: AbortSignal | undefined;
  readonly #controller = new AbortController();
  #failure: BusError | undefined;

  /** @throws BusError PROVIDER_ABORTED where the caller's signal has fired already. */
  constructor(provider: string, silenceMs: number, outer: AbortSignal | undefined) {
    this.#provider = provider;
    this.#silenceMs = silenceMs;
    this.#outer = outer;
    if (outer?.aborted) throw aborted(provider);
    outer?.addEventListener('abort', this.#onAbort);
  }

  /** For the request: fires with the end of the call, whatever ends it. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Why the call was ended before its time, if it was. */
  get failure(): BusError | undefined {
    return this.#failure;
  }

  /** The outcome of `work`, also where that does not care for the signal. @throws BusError PROVIDER_TIMEOUT, PROVIDER_ABORTED */
  async within<T>(work: PromiseLike<T>): Promise<T> {
    const patience = setTimeout(() => this.#fail(silent(this.#provider, this.#silenceMs)), this.#silenceMs);
    try {
      return await unlessAborted(work, this.signal);
    } catch (error) {
      throw this.#failure ?? error;
    } finally {
      clearTimeout(patience);
    }
  }

  /** Ends the request where it still runs. */
  end(): void {
    this.#outer?.removeEventListener('abort', this.#onAbort);
    this.#controller.abort();
  }

  readonly #onAbort = () => this.#fail(aborted(this.#provider));

  #fail(failure: BusError): void {
    this.#failure ??= failure;
    this.#controller.abort();
  }
}

function aborted(provider: string): BusError {
  return new BusError('PROVIDER_ABORTED', `The call to the provider ${provider} was aborted.`);
}

function silent(provider: string, silenceMs: number): BusError {
  return new BusError(
    'PROVIDER_TIMEOUT',
    `The provider ${provider} was silent for ${formatSetting(silenceMs)}; ask again, or raise its \`timeout\`.`,
  );
}
