// The URL under which this machine reaches a bus that listens on a host and port.

/** A wildcard address is no address to call: it becomes the loopback of its family. */
export function localUrl(host: string, port: number): string {
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
