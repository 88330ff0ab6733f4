/**
 * Who gets what from every route. A route without a row here fails the test: whoever adds one says who may use it, and adds callers
 * or ways to ask as needed.
 */

import { builtInPlans } from '../../shared/workout/built-in-plans.ts';
import { rightRide } from '../fuzz/intervals-requests.ts';
import { rightBody } from '../fuzz/seat.ts';
import type { Stage } from './stage.ts';

/**
 * `owner`: who has what the route asks for, be it the resume token of this session and client, the access token of this account, its
 * password, its refresh token or its mailed link. `other`: who has a good one of something else. `revoked`: who had the owner's, and it
 * is over. `anonymous`: who has nothing to show.
 */
export const callers = ['anonymous', 'other', 'owner', 'revoked'] as const;
export type Caller = (typeof callers)[number];

/** A status of HTTP, or for a WebSocket the first frame or close code. */
export type Answers = Readonly<Record<Caller, number | string>>;

export interface Rule {
  readonly answers: Answers;
  /** What the Authorization header holds: a session's resume token, which is the default, an account's access token, or a link's,
   * or a key for intervals.icu. */
  readonly proof?: 'resume' | 'access' | 'reader' | 'key' | 'none';
  /** A right body, when the route takes one: as far as the caller can know what is right. */
  readonly body?: (stage: Stage, caller: Caller) => object | string;
}

const everybody = (answer: number): Answers => ({
  anonymous: answer,
  other: answer,
  owner: answer,
  revoked: answer,
});

const ownerOnly = (answer: number | string, refusal: number | string): Answers => ({
  anonymous: refusal,
  other: refusal,
  owner: answer,
  revoked: refusal,
});

/** Each gets their own: what is in it is looked at in test/accounts/. */
const signedIn = (answer: number): Answers => ({
  ...everybody(401),
  owner: answer,
  other: answer,
});

/** Of one account: for every other it is not there. */
const ownThing = (answer: number): Pick<Rule, 'proof' | 'answers'> => ({
  proof: 'access',
  answers: { ...ownerOnly(answer, 401), other: 404 },
});

const keyOnly: Rule = { proof: 'key', answers: ownerOnly(200, 401) };
const athlete = '/v1/intervals/athletes/:athlete_id';

const workout = '/v1/accounts/me/workouts/:workout_id';
const session = '/v1/sessions/:session_id/clients/:client_id';

/** By method and path as the route was given; `UPGRADE` for a WebSocket. */
export const rules: Readonly<Record<string, Rule>> = {
  'GET /livez': { answers: everybody(200) },
  'GET /readyz': { answers: everybody(200) },
  'GET /healthz': { answers: everybody(200) },
  'GET /version': { answers: everybody(200) },
  // Trial rides begin without an account; how many is bounded per address. [F5] An access token that is no good is refused rather
  // than taken for nobody's.
  'POST /v1/sessions': {
    proof: 'access',
    answers: { ...everybody(201), revoked: 401 },
    body: rightBody,
  },
  [`GET ${session}`]: { answers: ownerOnly(200, 401) },
  // Giving up what was given up changes nothing: whoever did not hear the answer asks again.
  [`DELETE ${session}`]: { answers: { ...ownerOnly(204, 401), revoked: 204 } },
  [`UPGRADE ${session}`]: { answers: ownerOnly('welcome', 4003) },
  // The answer says nothing about anybody: what comes of it, the mailbox's owner sees.
  'POST /v1/accounts': {
    proof: 'none',
    answers: everybody(202),
    body: ({ other }) => ({ email: other.email }),
  },
  'POST /v1/accounts/resets': {
    proof: 'none',
    answers: everybody(202),
    body: ({ other }) => ({ email: other.email }),
  },
  'POST /v1/accounts/passwords': {
    proof: 'none',
    answers: ownerOnly(200, 404),
    body: ({ mailed, spent, guess, next }, caller) => ({
      token: { owner: mailed, revoked: spent, other: guess, anonymous: '' }[caller],
      password: next,
    }),
  },
  'POST /v1/logins': {
    proof: 'none',
    answers: ownerOnly(200, 401),
    body: ({ owner, other, former }, caller) => ({
      email: caller === 'anonymous' ? 'nobody@example.com' : owner.email,
      password: {
        owner: owner.password,
        other: other.password,
        revoked: former,
        anonymous: former,
      }[caller],
    }),
  },
  'POST /v1/logins/refresh': {
    proof: 'none',
    answers: ownerOnly(200, 401),
    body: ({ owner, ended, forged }, caller) =>
      caller === 'anonymous'
        ? {}
        : {
            refresh_token: { owner: owner.refresh, revoked: ended.refresh, other: forged }[caller],
          },
  },
  'POST /v1/logins/end': {
    proof: 'none',
    answers: everybody(204),
    body: ({ owner, ended, forged }, caller) =>
      caller === 'anonymous'
        ? {}
        : {
            refresh_token: { owner: owner.refresh, revoked: ended.refresh, other: forged }[caller],
          },
  },
  'GET /v1/logins': { proof: 'access', answers: signedIn(200) },
  'DELETE /v1/logins': { proof: 'access', answers: signedIn(204) },
  'DELETE /v1/logins/:login_id': {
    proof: 'access',
    answers: { ...ownerOnly(204, 401), other: 404 },
  },
  'GET /v1/accounts/me': { proof: 'access', answers: signedIn(200) },
  'DELETE /v1/accounts/me': {
    proof: 'access',
    answers: ownerOnly(204, 401),
    body: ({ owner }) => ({ password: owner.password }),
  },
  'POST /v1/accounts/me/password': {
    proof: 'access',
    answers: ownerOnly(204, 401),
    body: ({ owner, next }) => ({ password: owner.password, new_password: next }),
  },
  'GET /v1/accounts/me/sessions': { proof: 'access', answers: signedIn(200) },
  // The session's own token decides, and a session that has an account is nobody else's any more.
  'POST /v1/accounts/me/sessions': {
    proof: 'access',
    answers: { ...ownerOnly(204, 401), other: 409 },
    body: ({ created, token }) => ({
      session_id: created.session_id,
      client_id: created.client_id,
      token,
    }),
  },
  'POST /v1/accounts/me/sessions/:session_id/clients': {
    proof: 'access',
    answers: { ...ownerOnly(201, 401), other: 404 },
  },
  'GET /v1/accounts/me/sessions/:session_id': ownThing(200),
  'GET /v1/accounts/me/sessions/:session_id/entries': ownThing(200),
  'PATCH /v1/accounts/me/sessions/:session_id': {
    ...ownThing(204),
    body: () => ({ name: 'Mine' }),
  },
  'DELETE /v1/accounts/me/sessions/:session_id': ownThing(204),
  'GET /v1/accounts/me/workouts': { proof: 'access', answers: signedIn(200) },
  [`GET ${workout}`]: ownThing(200),
  // Whoever keeps one under another's id has one of their own: test/library/ looks at both.
  [`PUT ${workout}`]: {
    proof: 'access',
    answers: signedIn(204),
    body: () => ({ plan: builtInPlans[0]?.plan }),
  },
  [`PATCH ${workout}`]: { ...ownThing(204), body: () => ({ name: 'Mine' }) },
  [`DELETE ${workout}`]: ownThing(204),
  [`POST ${session}/readers`]: { answers: ownerOnly(201, 401) },
  [`DELETE ${session}/readers/:reader_id`]: { answers: ownerOnly(204, 401) },
  'GET /v1/sessions/:session_id/readers/:reader_id': {
    proof: 'reader',
    answers: ownerOnly(200, 401),
  },
  'GET /v1/intervals': { answers: everybody(200) },
  // intervals.icu says whose key is good, and for whom.
  [`GET ${athlete}`]: keyOnly,
  [`GET ${athlete}/workouts`]: keyOnly,
  [`POST ${athlete}/activities`]: { ...keyOnly, body: rightRide },
  // Only an operator gets an answer: test/operations/. For anybody else it is not there.
  'GET /v1/operator': { answers: everybody(404) },
  'GET /v1/*': { answers: everybody(404) },
  'GET /*': { answers: everybody(200) },
};
