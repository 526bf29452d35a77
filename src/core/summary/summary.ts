// The executive summary of a session.
import type { SessionSummary, SynthesisOptions } from '../../protocol/types.gen.ts';
import type { SessionAggregate } from '../session/state.ts';
import { reportOf } from './report.ts';
import { byConsensus } from './synthesis-options.ts';
import { withValues } from './values.ts';

/**
 * Made of recorded facts only, the same for the same events, whenever it is asked for. A completed session has the one
 * that was made at its end, unless a synthesis is named. Shares with the state: copy it before handing it out.
 * @throws BusError VALIDATION_FAILED for a selection that does not fit the tasks
 */
export function summarize(state: SessionAggregate, synthesis?: SynthesisOptions): SessionSummary {
  const kept = synthesis === undefined ? state.report : undefined;
  return withValues(kept ?? reportOf(state, synthesis ?? byConsensus), state);
}
