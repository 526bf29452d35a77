/** The reason of an abort by somebody who waits no longer, and still reads what is there by then. */
export const waitsNoLonger = new Error('The caller waits no longer.');
