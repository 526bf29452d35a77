// Lets an agent id stand in a path as people write it: `/agents/codex://qa/messages`.

const plainAgentId = /^(\/(?:agents|sessions\/[^/?#]+\/participants)\/)([a-z][a-z0-9+.-]*:\/\/[^/?#]+)/;

/** The URL with an agent id in its path percent-encoded; any other URL as it is. */
export function encodeAgentId(url: string): string {
  return url.includes('://')
    ? url.replace(plainAgentId, (_all, before: string, id: string) => before + encode(id))
    : url;
}

/** The rest of the id may be encoded already. */
const encode = (id: string): string => id.replaceAll('/', '%2F').replaceAll(':', '%3A');
