// The summary of a session for a program that has its events, wherever they are kept.
import { BusError } from '../../protocol/errors.ts';
import type { Conflict, Decision, SessionEvent, SessionSummary, SynthesisOptions } from '../../protocol/types.gen.ts';
import { copyJson } from '../json/copy.ts';
import { fold } from '../session/evolve.ts';
import type { SessionAggregate } from '../session/state.ts';
import { summaryMarkdown } from './markdown.ts';
import { summarize } from './summary.ts';
import { checkedSynthesis } from './synthesis-options.ts';

/**
 * Everything it says is made of the events alone: the same events, the same bytes. Without a synthesis named, a
 * completed session has the summary that was made at its end, any other one by consensus. What it hands out are copies.
 */
export class ResultAggregator {
  readonly #state: SessionAggregate;

  /** All events of one session from the first on. @throws BusError VALIDATION_FAILED for events that do not begin with it */
  constructor(events: Iterable<SessionEvent>) {
    const state = fold(undefined, events);
    if (!state) {
      throw new BusError('VALIDATION_FAILED', 'The events do not begin with session_created; hand in all of them.');
    }
    this.#state = state;
  }

  /** @throws BusError VALIDATION_FAILED for a synthesis that does not fit */
  summary(synthesis?: SynthesisOptions): SessionSummary {
    return copyJson(summarize(this.#state, synthesis && checkedSynthesis(synthesis)));
  }

  /** The summary for people. @throws BusError as `summary` */
  markdown(synthesis?: SynthesisOptions): string {
    return summaryMarkdown(this.summary(synthesis));
  }

  /** What the results of each kind of work in each step come to. @throws BusError as `summary` */
  synthesize(synthesis?: SynthesisOptions): Decision[] {
    return this.summary(synthesis).decisions;
  }

  /** Where results contradict each other, and who says what. */
  conflicts(): Conflict[] {
    return this.summary().conflicts;
  }
}
