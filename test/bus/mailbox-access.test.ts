import { describe, expect, it, onTestFinished } from 'vitest';
import { operator } from '../../src/bus/identity.ts';
import { waitsNoLonger } from '../../src/core/abort/waits-no-longer.ts';
import { openTestBus } from '../http/test-bus.ts';
import { backend, envelope, orchestrator } from '../support/running-bus.ts';

/** A mailbox with one message in it, and who pulls from it. */
async function prepare() {
  const bus = await openTestBus();
  onTestFinished(() => bus.close());
  const { agents, messages } = bus.workspace('default');
  await agents.register({ agent_descriptor: { agent_id: backend, capabilities: [] } });
  await messages.send({ envelope: envelope('m1', orchestrator, backend), principal: operator });
  const pull = async (signal: AbortSignal) => {
    const offers = await messages.pull(backend, { max: 1, waitMs: 0 }, signal);
    return offers.map(({ messageId, attempt }) => ({ messageId, attempt }));
  };
  return { pull };
}

describe('a pull that is aborted while it takes messages', () => {
  it('takes none for who has gone: the next one gets them at once', async () => {
    const { pull } = await prepare();
    const gone = new AbortController();
    const pulled = pull(gone.signal);
    gone.abort();
    expect(await pulled).toEqual([]);
    expect(await pull(new AbortController().signal)).toMatchObject([{ messageId: 'm1' }]);
  });

  it('takes what is there for who just waits no longer', async () => {
    const { pull } = await prepare();
    const impatient = new AbortController();
    const pulled = pull(impatient.signal);
    impatient.abort(waitsNoLonger);
    expect(await pulled).toEqual([{ messageId: 'm1', attempt: 1 }]);
  });
});
