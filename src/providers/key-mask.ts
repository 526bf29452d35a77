// Keeps keys out of what providers say: some repeat the key they were sent, whole or in part.

const mask = '***';

/** What stands between blanks, quotes, brackets and commas. */
const words = /[^\s"'`,;:()[\]{}<>]+/g;

/** Keys of the usual makes, and any that are shortened by dots or stars. */
const likeKeys = [/^(sk|pk|rk|gsk|xai)[-_]\w/i, /^AIza\w{10}/, /\w(\.{2,}|…|\*{2,})\w/, /^(\.{3,}|…|\*{2,})\w/];

/** So much of the key, at its beginning or its end, is how it is told apart. */
const [shownFirst, shownLast] = [8, 4];

/** The same without the key, parts of it, and what looks like another one. */
export function withoutKeys(text: string, apiKey: string | undefined): string {
  const isPart = (word: string): boolean =>
    apiKey !== undefined &&
    apiKey.length > shownFirst + shownLast &&
    (word.includes(apiKey.slice(0, shownFirst)) || word.endsWith(apiKey.slice(-shownLast)));
  const whole = apiKey ? text.replaceAll(apiKey, mask) : text;
  return whole.replace(words, (word) => {
    const bare = word.replace(/[.!?]+$/, '');
    const isKey = isPart(bare) || likeKeys.some((like) => like.test(bare));
    return isKey ? mask + word.slice(bare.length) : word;
  });
}
