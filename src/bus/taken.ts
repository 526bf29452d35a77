// What was accepted, and the answer that its sender waits for. Apart from what takes envelopes in, so that one is not kept in
// memory for as long as its answer takes.
import type { AnyReceipt, Receipt } from '../protocol/types.gen.ts';
import type { Counters } from './counters.ts';
import type { ExpectedReply } from './replies.ts';

export type Taken = { receipt: AnyReceipt; reply?: undefined } | { receipt: Receipt; reply: ExpectedReply };

/** Resolves with the receipt, and the answer where one is waited for. @throws BusError as the `answer` of that. */
export async function answered({ receipt, reply }: Taken, counters: Counters): Promise<AnyReceipt> {
  if (!reply) return receipt;
  try {
    return { ...receipt, reply: await reply.answer };
  } catch (error) {
    counters.refused++;
    throw error;
  } finally {
    reply.forget();
  }
}
