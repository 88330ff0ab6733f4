/** What may be expected of rows. Pure. */
import type { Kind } from './load.ts';
import { failedCount, type Expectation, type RowNoticed } from './rows.ts';

const hasEndedWell = ({ exitCode = 0 }: RowNoticed): boolean => exitCode === 0;

export const nothingIsNoticed: Expectation = {
  says: 'nothing fails, nobody is without a connection',
  holds: (noticed) =>
    failedCount(noticed) === 0 && noticed.gapsMs.length === 0 && hasEndedWell(noticed),
};
export const eachMovesOnce: Expectation = {
  says: 'nothing fails, nobody is without a connection, everybody moves once',
  holds: (noticed) =>
    nothingIsNoticed.holds(noticed) && noticed.moves.every((count) => count === 1),
};
export const noRequestFails: Expectation = {
  says: 'nothing fails',
  holds: (noticed) => failedCount(noticed) === 0,
};
/** Where a single check that comes late takes an instance out. */
export const hardlyAnyFails: Expectation = {
  says: 'below 1 in 200 fails (one late check takes an instance out)',
  holds: (noticed) => failedCount(noticed) * 200 < noticed.requestCount,
};
/** Of a process that is gone nobody can say whether it carried out what was under way, which is never more than a second's, and two. */
export const onlyWhatWasUnderWayFails: Expectation = {
  says: "no GET fails; POSTs and upgrades that were under way may, no more than a second's and two",
  holds: ({ failed, perS }) =>
    Object.keys(failed).every((fault) => cutOff.test(fault)) &&
    (['post', 'upgrade'] as const).every((kind) => failedOf(kind, failed) <= perS[kind] + 2),
};
const cutOff = /^(502|ECONNRESET) of post$|^closed 1006 of upgrade$/;
const failedOf = (kind: Kind, failed: RowNoticed['failed']): number =>
  Object.entries(failed)
    .filter(([fault]) => fault.endsWith(` of ${kind}`))
    .reduce((sum, [, count]) => sum + count, 0);
export const nobodyWaits: Expectation = {
  says: 'nobody is without a connection',
  holds: ({ gapsMs }) => gapsMs.length === 0,
};
export const someWait: Expectation = {
  says: 'clients are without a connection',
  holds: ({ gapsMs }) => gapsMs.length > 0,
};
/** Close and come back. */
export const everyoneWaits: Expectation = {
  says: 'nothing fails, but everybody is without a connection for a time',
  holds: (noticed) =>
    failedCount(noticed) === 0 &&
    hasEndedWell(noticed) &&
    noticed.gapsMs.length >= noticed.moves.length,
};
/** At least one that looks like that; `fault` is matched against `502 of post` and the like. */
export const fails = (says: string, fault: RegExp): Expectation => ({
  says,
  holds: ({ failed }) => Object.keys(failed).some((one) => fault.test(one)),
});
/** At least one, and each looks like that. */
export const failsOnly = (says: string, fault: RegExp): Expectation => ({
  says,
  holds: ({ failed }) =>
    Object.keys(failed).length > 0 && Object.keys(failed).every((one) => fault.test(one)),
});
export const and = (...all: readonly Expectation[]): Expectation => ({
  says: all.map(({ says }) => says).join('; '),
  holds: (noticed) => all.every(({ holds }) => holds(noticed)),
});
/** What comes of it hangs on chance here: it is looked at, and `why` says why no more. */
export const onlySeen = (why: string): Expectation => ({
  says: `only seen: ${why}`,
  holds: () => true,
});
