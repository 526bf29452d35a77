// A persistent sorted map (weight-balanced tree): a change shares all but a path of the map it came from.

interface Node<V> {
  readonly key: string;
  readonly value: V;
  readonly size: number;
  readonly left: SortedMap<V>;
  readonly right: SortedMap<V>;
}

/** Keys in the order of their UTF-16 code units. The empty map is `undefined`; no version ever changes. */
export type SortedMap<V> = Node<V> | undefined;

// Adams' balance parameters, the pair that is proven for insertion and removal.
const delta = 3;
const ratio = 2;

const size = (map: SortedMap<unknown>): number => map?.size ?? 0;

function node<V>(key: string, value: V, left: SortedMap<V>, right: SortedMap<V>): Node<V> {
  return { key, value, size: size(left) + size(right) + 1, left, right };
}

/** A node from two subtrees of which one may be a single entry out of balance. */
function balanced<V>(key: string, value: V, left: SortedMap<V>, right: SortedMap<V>): Node<V> {
  if (size(left) + size(right) > 1) {
    if (right && right.size > delta * size(left)) return heavyRight(key, value, left, right);
    if (left && left.size > delta * size(right)) return heavyLeft(key, value, left, right);
  }
  return node(key, value, left, right);
}

function heavyRight<V>(key: string, value: V, left: SortedMap<V>, right: Node<V>): Node<V> {
  const inner = right.left;
  if (inner && inner.size >= ratio * size(right.right)) {
    const { key: top, value: topValue } = inner;
    const outer = node(right.key, right.value, inner.right, right.right);
    return node(top, topValue, node(key, value, left, inner.left), outer);
  }
  return node(right.key, right.value, node(key, value, left, inner), right.right);
}

function heavyLeft<V>(key: string, value: V, left: Node<V>, right: SortedMap<V>): Node<V> {
  const inner = left.right;
  if (inner && inner.size >= ratio * size(left.left)) {
    const { key: top, value: topValue } = inner;
    const outer = node(left.key, left.value, left.left, inner.left);
    return node(top, topValue, outer, node(key, value, inner.right, right));
  }
  return node(left.key, left.value, left.left, node(key, value, inner, right));
}

export function get<V>(map: SortedMap<V>, key: string): V | undefined {
  let at = map;
  while (at && at.key !== key) at = key < at.key ? at.left : at.right;
  return at?.value;
}

export function set<V>(map: SortedMap<V>, key: string, value: V): Node<V> {
  if (!map) return node(key, value, undefined, undefined);
  if (key < map.key) return balanced(map.key, map.value, set(map.left, key, value), map.right);
  if (key > map.key) return balanced(map.key, map.value, map.left, set(map.right, key, value));
  return node(key, value, map.left, map.right);
}

/** The map without the key. */
export function remove<V>(map: SortedMap<V>, key: string): SortedMap<V> {
  if (!map) return undefined;
  if (key < map.key) return balanced(map.key, map.value, remove(map.left, key), map.right);
  if (key > map.key) return balanced(map.key, map.value, map.left, remove(map.right, key));
  const next = first(map.right);
  return next ? balanced(next.key, next.value, map.left, remove(map.right, next.key)) : map.left;
}

/** The entry with the lowest key. */
export function first<V>(map: SortedMap<V>): { readonly key: string; readonly value: V } | undefined {
  let at = map;
  while (at?.left) at = at.left;
  return at;
}

/** The values in the order of their keys; with `after`, only those of higher keys. */
export function* values<V>(map: SortedMap<V>, after?: string): Generator<V, void, undefined> {
  if (!map) return;
  if (after === undefined || map.key > after) {
    yield* values(map.left, after);
    yield map.value;
  }
  yield* values(map.right, after);
}
