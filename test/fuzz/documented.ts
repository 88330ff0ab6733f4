/** What the protocol and the page about accounts say an answer may be: their tables, read from the pages themselves. */
import { readFileSync } from 'node:fs';

/** Codes of problems by status. */
type Problems = ReadonlyMap<number, readonly string[]>;

export interface Documented {
  readonly problems: Problems;
  /** Of account routes. */
  readonly accounts: {
    readonly problems: Problems;
    /** Status of what went well, by route, as `METHOD /path/:id`. */
    readonly successes: ReadonlyMap<string, number>;
  };
  readonly closeCodes: ReadonlySet<number>;
}

/** Codes of RFC 6455 that stand for what is no frame at all. */
const wireCloseCodes = [1002, 1007, 1009];

export function readDocumented(): Documented {
  const protocol = readPage('../../shared/protocol/PROTOCOL.md');
  const accounts = readPage('../../server/accounts/ACCOUNTS.md');
  const library = readPage('../../server/library/LIBRARY.md');
  const intervals = readPage('../../server/intervals/INTERVALS.md');
  const problems = problemsIn(protocol);
  const [, anywhere = ''] = /^And what any request may meet([\s\S]*?)\n\n/m.exec(accounts) ?? [];
  const met = codesIn(anywhere);
  const metByStatus = [...problems].map(
    ([status, codes]) => [status, codes.filter((code) => met.includes(code))] as const,
  );
  const successes = successesIn(accounts + library + intervals);
  const closes = [...protocol.matchAll(/^\| (4\d\d\d) \|/gm)].map(([, code]) => Number(code));
  if (problems.size < 5 || closes.length < 10 || met.length < 5 || successes.size < 24)
    throw new Error('The tables were not found.');
  return {
    problems,
    accounts: {
      problems: joined([
        ...[accounts, library, intervals].flatMap((page) => [...problemsIn(page)]),
        ...metByStatus,
      ]),
      successes,
    },
    closeCodes: new Set([...closes, ...wireCloseCodes]),
  };
}

const readPage = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

const codesIn = (text: string): string[] =>
  [...text.matchAll(/`([a-z-]+)`/g)].map(([, code = '']) => code);

function problemsIn(page: string): Problems {
  const rows = [...page.matchAll(/^\| ([45]\d\d)(?: with[^|]*)? \| ([^|]*) \|$/gm)];
  return new Map(rows.map(([, status, codes = '']) => [Number(status), codesIn(codes)]));
}

function joined(rows: Iterable<readonly [number, readonly string[]]>): Problems {
  const all = new Map<number, readonly string[]>();
  for (const [status, codes] of rows) all.set(status, [...(all.get(status) ?? []), ...codes]);
  return all;
}

/** Rows of routes: the answer names its status, or is 200. */
function successesIn(page: string): ReadonlyMap<string, number> {
  const rows = [...page.matchAll(/^\| `([A-Z]+ \/v1\/[^`]+)`[^|]*\|[^|]*\|(.*)\|$/gm)];
  return new Map(
    rows.map(([, route = '', answer = '']) => [
      route.replaceAll(/<(\w+)>/g, ':$1'),
      Number(/\b(20\d)\b/.exec(answer)?.[1] ?? 200),
    ]),
  );
}

/** The account route a request went to, as the page names it; undefined when it was another one's. */
export function accountRoute(
  { accounts }: Documented,
  method: string,
  path: string,
): string | undefined {
  const [place = ''] = path.split('?');
  return [...accounts.successes.keys()].find((route) => {
    const [routeMethod = '', routePath = ''] = route.split(' ');
    const form = new RegExp(`^${routePath.replaceAll(/:\w+/g, '[^/]*')}$`);
    const isItsOwn = routePath !== '/v1/sessions';
    return isItsOwn && (method === 'HEAD' ? 'GET' : method) === routeMethod && form.test(place);
  });
}

/** Ours to answer for: with both stores up nothing a client sends may lead to these. */
const faults = new Set(['internal', 'store-unavailable']);
const faultCloseCodes = new Set([4100, 4101]);

/** Undefined when the answer is one the pages know; `route` is that of `accountRoute`. */
export function problemWithStatus(
  documented: Documented,
  answer: {
    readonly status: number;
    readonly code: string | undefined;
    readonly retryAfter: string | undefined;
  },
  route?: string,
): string | undefined {
  const { status, code, retryAfter } = answer;
  const { problems, accounts } = documented;
  if (status < 400) {
    const isKnown = route === undefined || status === accounts.successes.get(route);
    return isKnown ? undefined : `${route} went well with ${status}`;
  }
  const codes = (route === undefined ? problems : accounts.problems).get(status);
  if (codes === undefined) return `status ${status} is in no table`;
  if (code === undefined || !codes.includes(code)) return `${status} came with the code ${code}`;
  if (faults.has(code)) return `${status} ${code}: a fault of the server's`;
  if ((status === 429 || status === 503) && retryAfter === undefined)
    return `${status} came without Retry-After`;
  return undefined;
}

export function problemWithClose(documented: Documented, code: number): string | undefined {
  if (faultCloseCodes.has(code)) return `close code ${code}: a fault of the server's`;
  return documented.closeCodes.has(code) ? undefined : `close code ${code} is in no table`;
}
