// What a reply has to be, whoever gives it: something, and not without end.
import type { BusError } from '../protocol/errors.ts';
import type { Answer } from './chat-turns.ts';

/** As many as a question may have, in UTF-16: who never stops must not fill the memory. */
const longestReply = 500_000;

/**
 * The same answer, as far as it is one: nothing is no reply, which no model takes back as its own words.
 * @param invalid makes an error of what the reply is instead
 */
export async function* boundedReply(answer: Answer, invalid: (what: string) => BusError): Answer {
  const assertShort = (length: number): void => {
    if (length > longestReply) throw invalid(`longer than ${longestReply} characters; ask for less`);
  };
  let length = 0;
  try {
    for (;;) {
      const next = await answer.next();
      if (!next.done) {
        length += next.value.length;
        assertShort(length);
        yield next.value;
        continue;
      }
      const { content } = next.value;
      assertShort(content.length);
      if (content.trim() === '') throw invalid('empty; ask again, or ask something else');
      return next.value;
    }
  } finally {
    await answer.return({ content: '' });
  }
}
