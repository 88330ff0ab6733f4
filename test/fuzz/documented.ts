/** What the protocol says an answer may be: the tables of PROTOCOL.md, read from the page itself. */
import { readFileSync } from 'node:fs';

export interface Documented {
  /** Codes of problems by status. */
  readonly problems: ReadonlyMap<number, readonly string[]>;
  readonly closeCodes: ReadonlySet<number>;
}

/** Codes of RFC 6455 that stand for what is no frame at all. */
const wireCloseCodes = [1002, 1007, 1009];

export function readDocumented(): Documented {
  const page = readFileSync(new URL('../../shared/protocol/PROTOCOL.md', import.meta.url), 'utf8');
  const problems = [...page.matchAll(/^\| ([45]\d\d)(?: with[^|]*)? \| ([^|]*) \|$/gm)].map(
    ([, status, codes = '']) =>
      [Number(status), [...codes.matchAll(/`([a-z-]+)`/g)].map(([, code = '']) => code)] as const,
  );
  const closes = [...page.matchAll(/^\| (4\d\d\d) \|/gm)].map(([, code]) => Number(code));
  if (problems.length < 5 || closes.length < 10) throw new Error('The tables were not found.');
  return { problems: new Map(problems), closeCodes: new Set([...closes, ...wireCloseCodes]) };
}

/** Ours to answer for: with both stores up nothing a client sends may lead to these. */
const faults = new Set(['internal', 'store-unavailable']);
const faultCloseCodes = new Set([4100, 4101]);

/** Undefined when the answer is one the protocol knows. */
export function problemWithStatus(
  documented: Documented,
  answer: {
    readonly status: number;
    readonly code: string | undefined;
    readonly retryAfter: string | undefined;
  },
): string | undefined {
  const { status, code, retryAfter } = answer;
  if (status < 400) return undefined;
  const codes = documented.problems.get(status);
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
