/** The text of envelopes as they were sent, without what the bus has added. */
export function withoutStamp(text: string): string;
