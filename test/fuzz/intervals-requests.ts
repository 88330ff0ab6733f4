/** Right requests to the routes of intervals.icu. */
import { basic, goodKey } from '../support/intervals-stand-in.ts';

/** As far as the service looks into the file. */
export const rightRide = (): object => ({
  external_id: 'trackstand-ride-of-the-seat',
  name: 'Lunch break',
  oldest: '2026-11-29',
  newest: '2026-12-01',
  file: Buffer.from('\x0e\x20\x00\x00\x00\x00\x00\x00.FIT', 'latin1').toString('base64'),
});

/** What the Authorization header holds when the key is good. */
export const rightKey = basic(goodKey);

const athlete = '/v1/intervals/athletes/:athlete_id';

/** By route, as those of accounts are. */
export const intervalsBodies: Readonly<Record<string, readonly object[]>> = {
  'GET /v1/intervals': [],
  [`GET ${athlete}`]: [],
  [`GET ${athlete}/workouts`]: [],
  [`POST ${athlete}/activities`]: [rightRide()],
};
