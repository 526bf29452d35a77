// How large a JSON value is as text, about: without making the text.

/** In characters; what has to be escaped counts once. Takes what `JSON.parse` may return. */
export function jsonSize(value: unknown): number {
  if (typeof value === 'string') return value.length + 2;
  if (typeof value !== 'object' || value === null) return 5;
  let size = 2;
  if (Array.isArray(value)) {
    for (const item of value) size += jsonSize(item) + 1;
  } else {
    for (const [key, item] of Object.entries(value)) size += key.length + 4 + jsonSize(item);
  }
  return size;
}
