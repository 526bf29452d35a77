// The characters that give JSON its structure, as the bytes they are in UTF-8.

/** Who scans takes them into constants of its own file: an imported name is looked up for every byte, which costs half as much again. */
export const ascii = {
  space: 0x20,
  quote: 0x22,
  colon: 0x3a,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  openBrace: 0x7b,
  closeBrace: 0x7d,
} as const;
