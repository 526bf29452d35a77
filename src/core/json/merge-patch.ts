// RFC 7396 JSON Merge Patch.

type JsonObject = { [key: string]: unknown };

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The target with the patch applied: `null` removes a key, objects merge, all else replaces. Changes neither argument. */
export function mergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  const merged = new Map(Object.entries(target));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergedValue(merged.get(key), value));
  }
  // fromEntries defines properties, so that a key `__proto__` stays a key.
  return Object.fromEntries(merged);
}

function mergedValue(target: unknown, value: unknown): unknown {
  // Also over something that is no object: the nulls inside the patch must go.
  return isObject(value) ? mergePatch(isObject(target) ? target : {}, value) : value;
}
