/** How many connections were welcomed, and how many came to resume or begin and were not: a deploy judges a release by that. */
import { closeCodes } from '../../shared/protocol/close-codes.ts';

/** What became of a connection's hello: none yet, one that was proven, or one that was answered. */
export type Greeting = 'awaited' | 'asked' | 'welcomed';

export interface Greetings {
  readonly welcomed: number;
  readonly unwelcomed: number;
}

export interface GreetingCounts {
  /** A connection ended, with that code. */
  readonly ended: (code: number, greeting: Greeting) => void;
  /** Since the beginning; `open` are the connections that have not ended. */
  readonly counts: (open: Iterable<{ readonly greeting: Greeting }>) => Greetings;
}

const ours: ReadonlySet<number> = new Set(Object.values(closeCodes));

/** Answers of their own to a hello: the client knows what to do, and another instance would have said the same or was named by it. */
const answers: ReadonlySet<number> = new Set([
  closeCodes.left,
  closeCodes.gone,
  closeCodes.replaced,
  closeCodes.clientTooOld,
  closeCodes.clientTooNew,
  closeCodes.schemaTooNew,
  closeCodes.diverged,
]);

/** Who left by itself before it said hello, or said none in time, did not want to be welcomed. */
function isUnwelcomed(code: number, greeting: Greeting): boolean {
  if (answers.has(code)) return false;
  if (greeting === 'awaited') return ours.has(code) && code !== closeCodes.heartbeatMissed;
  return greeting === 'asked';
}

export function greetingCounts(): GreetingCounts {
  let welcomed = 0;
  let unwelcomed = 0;
  return {
    ended: (code, greeting) => {
      if (greeting === 'welcomed') welcomed++;
      else if (isUnwelcomed(code, greeting)) unwelcomed++;
    },
    counts: (open) => {
      const here = [...open].filter(({ greeting }) => greeting === 'welcomed');
      return { welcomed: welcomed + here.length, unwelcomed };
    },
  };
}
