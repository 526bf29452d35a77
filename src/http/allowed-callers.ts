// Which names the bus answers to, and which web pages may call it: what stands against DNS rebinding and foreign pages.
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { isLoopback } from '../config/loopback.ts';
import { BusError } from '../protocol/errors.ts';

export interface CallerOptions {
  /** The address to listen on. */
  host: string;
  /** Further names and addresses, without a port, that `Host` may say. */
  allowedHosts?: readonly string[];
  /** Further origins of web pages that may call. */
  allowedOrigins?: readonly string[];
  /** The same for those that may read the answers as well. */
  corsOrigins?: readonly string[];
}

export interface AllowedCallers {
  /** Why a request that says `host` is not for this bus, if it is not. Browsers always send one; HTTP/1.0 need not. */
  faultOfHost(host: string | undefined): BusError | undefined;
  /** Why the web page that sends this request may not, if it may not. Without an `Origin` it is no web page's. */
  faultOfOrigin(origin: string | undefined, host: string | undefined): BusError | undefined;
  /** Whether pages of this origin may read the answers. */
  mayRead(origin: string | undefined): origin is string;
}

/** An authority in lower case: a name, an IPv4 address, or an IPv6 address in brackets; and a port, which may be any. */
const authority = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9_.-]+))(?::\d{1,5})?$/;
const webOrigin = /^https?:\/\/([^/]+)$/;

export function createAllowedCallers(options: CallerOptions): AllowedCallers {
  const { host: listensOn, allowedHosts = [], allowedOrigins = [], corsOrigins = [] } = options;
  const isPublic = !isLoopback(listensOn);
  const names = lowerCase([listensOn, ...allowedHosts, ...(isPublic ? [hostname()] : [])]);
  const readers = lowerCase(corsOrigins);
  const origins = new Set([...lowerCase(allowedOrigins), ...readers]);

  const isOurs = (host: string): boolean => {
    const name = nameIn(host);
    if (name === undefined) return false;
    // Rebinding needs a name that its attacker owns. Nobody owns an address.
    return isLoopback(name) || names.has(name) || (isPublic && isIP(name) !== 0);
  };
  const isWelcome = (origin: string, host: string | undefined): boolean => {
    if (origins.has(origin)) return true;
    const page = webOrigin.exec(origin)?.[1];
    if (page === undefined) return false;
    return page === host?.toLowerCase() || isLoopback(nameIn(page) ?? '');
  };
  /** Agents call under one name all day. */
  let lastAdmitted: string | undefined;

  return {
    faultOfHost(host) {
      if (host === undefined || host === lastAdmitted) return undefined;
      if (!isOurs(host)) return new BusError('HOST_NOT_ALLOWED', hostRefusal);
      lastAdmitted = host;
      return undefined;
    },
    faultOfOrigin(origin, host) {
      if (origin === undefined || isWelcome(origin.toLowerCase(), host)) return undefined;
      return new BusError('ORIGIN_NOT_ALLOWED', originRefusal);
    },
    mayRead: (origin): origin is string => origin !== undefined && readers.has(origin.toLowerCase()),
  };
}

const hostRefusal = 'This bus does not go by the name that Host says; use another, or add it to `allowedHosts`.';
const originRefusal = 'Pages of this origin may not call the bus; add the origin to `allowedOrigins` or `corsOrigins`.';

const lowerCase = (words: readonly string[]): Set<string> => new Set(words.map((word) => word.toLowerCase()));

function nameIn(host: string): string | undefined {
  const [, address, name] = authority.exec(host.toLowerCase()) ?? [];
  return address ?? name;
}
