// Where something lies in the journal: the number of its file and the place in it, as one number that only grows.

/** No file is larger. */
const span = 2 ** 32;

export function positionAt(file: number, offset: number): number {
  return file * span + offset;
}

export function fileOf(position: number): number {
  return Math.floor(position / span);
}

export function offsetOf(position: number): number {
  return position % span;
}

/** Bytes of journal from one position to a later one; each file between them counts as full. */
export function bytesBetween(from: number, to: number, fileBytes: number): number {
  return (fileOf(to) - fileOf(from)) * fileBytes + offsetOf(to) - offsetOf(from);
}
