import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { intervalsLink } from '../../client/app/intervals/intervals-link.ts';
import { keepKey, keptKey } from '../../client/app/intervals/kept-key.ts';
import { loginKeeper } from '../../client/app/login-keeper.ts';
import { manualClock } from '../support/manual-clock.ts';

const key = { key: 'k', athleteId: '0', toldId: 'i1', name: 'Ada', sendsRides: true };
const tokens = { access_token: 'a', account_id: 'ada', expires_in_s: 600 };
const answers = (status: number, body: object) =>
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(JSON.stringify(body), { status })));

beforeEach(() => {
  const kept = new Map<string, string>();
  vi.stubGlobal('navigator', {});
  vi.stubGlobal('localStorage', {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
    removeItem: (name: string) => void kept.delete(name),
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

test('a key stays while its rider stays signed in, and is forgotten with the sign-out', async () => {
  const clock = manualClock();
  const keeper = loginKeeper(clock);
  keeper.keep(tokens);
  keepKey(key);
  clock.pass(600_000);
  answers(200, tokens);
  expect(await keeper.access()).toBe('a');
  expect(keptKey()).toEqual(key);
  keeper.forget();
  expect(keptKey()).toBeNull();
});

test('a login that was ended on another device takes the key along', async () => {
  const clock = manualClock();
  const keeper = loginKeeper(clock);
  keeper.keep(tokens);
  keepKey(key);
  clock.pass(600_000);
  answers(401, { code: 'login-ended' });
  expect(await keeper.access()).toBeUndefined();
  expect(keptKey()).toBeNull();
});

test('whoever signs in does not ride by the key of who was here before', () => {
  keepKey(key);
  loginKeeper(manualClock()).keep(tokens);
  expect(keptKey()).toBeNull();
});

test('a slip of copying is told on the spot, and a service that stopped offering it is not spoken of', async () => {
  const link = intervalsLink({ list: () => Promise.resolve([]), update: () => Promise.resolve() });
  await expect(link.check('abc\u200b', '0')).rejects.toThrow('That is no key');
  answers(200, { athlete_id: '', name: '' });
  await expect(link.check('abc', '0')).rejects.toThrow('does not say whose key');
  keepKey(key);
  answers(404, { code: 'not-found' });
  expect(await link.planned()).toEqual({ kind: 'none' });
});
