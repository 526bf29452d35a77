// The turns of the event loop, so that a simulation can take them.

export interface Turns {
  /** Milliseconds since some instant; never less than before. */
  elapsed(): number;
  /** Runs it in a later turn, when what has come meanwhile was heard. */
  later(run: () => void): void;
}

export const systemTurns: Turns = {
  elapsed: () => performance.now(),
  later: (run) => void setImmediate(run),
};
