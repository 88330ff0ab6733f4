/**
 * The URL of Redis, read by hand: WHATWG URLs know no list of hosts. Pure.
 *
 *     redis://[user:password@]host[:port][/database]
 *     redis+sentinel://[user:password@]host[:port],…/master-name[?db=…&sentinel_user=…&sentinel_password=…]
 *     redis+cluster://[user:password@]host[:port],…
 *
 * `rediss` in place of `redis` encrypts, the way to the sentinels too. User and password are those of the Redis servers;
 * sentinels that ask for one get their own.
 */

export interface RedisAddress {
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
}

export interface Credentials {
  readonly username?: string;
  readonly password?: string;
}

interface Access {
  readonly isEncrypted: boolean;
  readonly credentials: Credentials;
}

interface ServerTarget {
  readonly kind: 'server';
  readonly address: RedisAddress;
  readonly database: number;
}

interface SentinelTarget {
  readonly kind: 'sentinel';
  readonly sentinels: readonly RedisAddress[];
  readonly masterName: string;
  readonly database: number;
  readonly sentinelCredentials: Credentials;
}

/** The nodes named here are where the cluster is asked for the others. */
interface ClusterTarget {
  readonly kind: 'cluster';
  readonly nodes: readonly RedisAddress[];
}

export type RedisTarget = Access & (ServerTarget | SentinelTarget | ClusterTarget);

/** A fault is the end of a sentence that says what the URL must be. It repeats nothing of the URL: it may hold a password. */
export type ParsedRedisUrl = { readonly value: RedisTarget } | { readonly fault: string };

/** Throws inside this file only: what `parseRedisUrl` returns as a fault. */
class RedisUrlFault extends Error {
  override readonly name = 'RedisUrlFault';
}

const shape =
  /^(?<scheme>rediss?)(?:\+(?<kind>sentinel|cluster))?:\/\/(?<authority>[^/?#]*)(?:\/(?<path>[^?#]*))?(?:\?(?<query>[^#]*))?(?<fragment>#.*)?$/s;

export function parseRedisUrl(url: string): ParsedRedisUrl {
  const parts = shape.exec(url)?.groups;
  if (parts === undefined)
    return {
      fault:
        'must begin with redis://, redis+sentinel:// or redis+cluster://, or with rediss for TLS',
    };
  try {
    return { value: readTarget(parts) };
  } catch (error) {
    if (error instanceof RedisUrlFault) return { fault: error.message };
    throw error;
  }
}

type Parts = Readonly<Record<string, string | undefined>>;

function readTarget(parts: Parts): RedisTarget {
  const { scheme, kind, authority = '', path = '', query = '', fragment } = parts;
  if (fragment !== undefined)
    throw new RedisUrlFault('must have no #; in a password it is written as %23');
  const at = authority.lastIndexOf('@');
  const defaultPort = kind === 'sentinel' ? 26_379 : 6_379;
  const addresses = authority
    .slice(at + 1)
    .split(',')
    .map((text) => readAddress(text, defaultPort));
  const access = {
    isEncrypted: scheme === 'rediss',
    credentials: readCredentials(authority.slice(0, Math.max(at, 0))),
  };
  if (kind === 'sentinel') return { ...access, ...readSentinel(addresses, path, query) };
  if (query !== '') throw new RedisUrlFault('must have no parameters');
  if (kind === 'cluster') {
    if (path !== '')
      throw new RedisUrlFault('must end after its hosts, since a cluster has one database');
    return { ...access, kind, nodes: addresses };
  }
  const [address, ...others] = addresses;
  if (address === undefined || others.length > 0)
    throw new RedisUrlFault('must name one host, unless it begins with redis+sentinel or +cluster');
  return { ...access, kind: 'server', address, database: readDatabase(path) };
}

function readSentinel(
  sentinels: readonly RedisAddress[],
  path: string,
  query: string,
): SentinelTarget {
  const masterName = decoded(path);
  if (masterName === '' || masterName.includes('/'))
    throw new RedisUrlFault('must name the master after the sentinels, as in /master-name');
  const known = ['db', 'sentinel_user', 'sentinel_password'];
  const parameters = new URLSearchParams(query);
  if ([...parameters.keys()].some((name) => !known.includes(name)))
    throw new RedisUrlFault(`must have no parameters but ${known.join(', ')}`);
  const sentinelCredentials = credentials(
    parameters.get('sentinel_user') ?? '',
    parameters.get('sentinel_password') ?? '',
  );
  const database = readDatabase(parameters.get('db') ?? '');
  return { kind: 'sentinel', sentinels, masterName, database, sentinelCredentials };
}

function readAddress(text: string, defaultPort: number): RedisAddress {
  const { ipv6, name, digits } =
    /^(?:\[(?<ipv6>[\da-f:.]+)\]|(?<name>[\w.-]+))(?::(?<digits>\d{1,5}))?$/i.exec(text)?.groups ??
    {};
  const host = ipv6 ?? name;
  const port = digits === undefined ? defaultPort : Number(digits);
  if (host === undefined || port < 1 || port > 65_535)
    throw new RedisUrlFault('must name its hosts as host or host:port, with commas between them');
  return { host, port };
}

function readCredentials(text: string): Credentials {
  const colon = text.indexOf(':');
  const [username, password] =
    colon === -1 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
  return credentials(decoded(username), decoded(password));
}

function credentials(username: string, password: string): Credentials {
  return { ...(username !== '' && { username }), ...(password !== '' && { password }) };
}

function readDatabase(text: string): number {
  if (!/^\d{0,5}$/.test(text)) throw new RedisUrlFault('must name its database by a number');
  return Number(text);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Says nothing of the text: it may be a password.
    throw new RedisUrlFault('must have every % of its parts written as %25');
  }
}
