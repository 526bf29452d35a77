// Decisions on the shared context.
import { BusError } from '../../protocol/errors.ts';
import type { UpdateContextCommand } from './commands.ts';
import type { Draft } from './draft.ts';

/** @throws BusError VERSION_MISMATCH where the caller has seen another version */
export function updateContext(draft: Draft, { mode, context, expected_version }: UpdateContextCommand): void {
  const { context_version: version } = draft.state.session;
  if (expected_version !== undefined && expected_version !== version) {
    throw new BusError(
      'VERSION_MISMATCH',
      `The shared context has version ${version}, not ${expected_version}; read it again and repeat the change.`,
    );
  }
  draft.record({
    type: 'context_updated',
    data: { mode, context, context_version: version + 1 },
  });
}
