// What a result says, apart from how sure its agent is of it.

/** Confidences are summed as whole numbers, so that a sum does not depend on the order. */
const millionths = 1_000_000;
/** Results with more fields are compared as wholes: a summary is to stay short, whatever agents answer. */
const mostFields = 100;

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isConfidence(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1;
}

/** A number from 0 to 1 for all of it, or one for each field; anything else under that name is content. */
function statedConfidence(result: unknown): number | { readonly [field: string]: unknown } | undefined {
  const stated = isObject(result) && Object.hasOwn(result, 'confidence') ? result.confidence : undefined;
  if (isConfidence(stated)) return stated;
  return isObject(stated) && Object.values(stated).every(isConfidence) ? stated : undefined;
}

/** The result without its `confidence`, where it states one. */
export function contentOf(result: unknown): unknown {
  if (!isObject(result) || statedConfidence(result) === undefined) return result ?? null;
  return Object.fromEntries(Object.entries(result).filter(([key]) => key !== 'confidence'));
}

/** How sure the agent is of a field, or of all (`null`), in millionths; 0 where it does not say. */
export function confidenceIn(result: unknown, field: string | null): number {
  const stated = statedConfidence(result);
  const part = isObject(stated) && field !== null && Object.hasOwn(stated, field) ? stated[field] : stated;
  return isConfidence(part) ? Math.round(part * millionths) : 0;
}

export function confidenceOf(weight: number): number {
  return weight / millionths;
}

/** The value of a field, or all of the content (`null`); undefined where it has no such field. */
export function valueIn(content: unknown, field: string | null): unknown {
  if (field === null) return content;
  return isObject(content) && Object.hasOwn(content, field) ? content[field] : undefined;
}

/** Every field that one of them has, as they come; undefined where they can only be compared as wholes. */
export function fieldsOf(contents: readonly unknown[]): string[] | undefined {
  const fields = new Set<string>();
  for (const content of contents) {
    if (!isObject(content)) return undefined;
    for (const field of Object.keys(content)) fields.add(field);
    if (fields.size > mostFields) return undefined;
  }
  return [...fields];
}
