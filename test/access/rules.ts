/**
 * Who gets what from every route. A route without a row here fails the test: whoever adds one says who may use it, and adds callers
 * or ways to ask as needed.
 */

import { rightBody } from '../fuzz/seat.ts';

/** `owner`: the token of this session and client; `other`: a good token of another one; `revoked`: a token whose right was given up. */
export const callers = ['anonymous', 'other', 'owner', 'revoked'] as const;
export type Caller = (typeof callers)[number];

/** A status of HTTP, or for a WebSocket the first frame or close code. */
export type Answers = Readonly<Record<Caller, number | string>>;

export interface Rule {
  readonly answers: Answers;
  /** A right body, when the route takes one. */
  readonly body?: () => string;
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

const session = '/v1/sessions/:session_id/clients/:client_id';

/** By method and path as the route was given; `UPGRADE` for a WebSocket. */
export const rules: Readonly<Record<string, Rule>> = {
  'GET /livez': { answers: everybody(200) },
  'GET /readyz': { answers: everybody(200) },
  'GET /healthz': { answers: everybody(200) },
  'GET /version': { answers: everybody(200) },
  // Trial rides begin without an account; how many is bounded per address. [F5]
  // A resume token is no access token: who shows one there is told so, rather than taken for nobody.
  'POST /v1/sessions': {
    answers: { anonymous: 201, other: 401, owner: 401, revoked: 401 },
    body: rightBody,
  },
  [`GET ${session}`]: { answers: ownerOnly(200, 401) },
  // Giving up what was given up changes nothing: whoever did not hear the answer asks again.
  [`DELETE ${session}`]: { answers: { ...ownerOnly(204, 401), revoked: 204 } },
  [`UPGRADE ${session}`]: { answers: ownerOnly('welcome', 4003) },
  // Open to everybody, and without a body a bad request.
  'POST /v1/accounts': { answers: everybody(400) },
  'POST /v1/accounts/resets': { answers: everybody(400) },
  'POST /v1/accounts/passwords': { answers: everybody(400) },
  'POST /v1/logins': { answers: everybody(400) },
  'POST /v1/logins/refresh': { answers: everybody(401) },
  'POST /v1/logins/end': { answers: everybody(204) },
  // An access token's: a resume token opens none of them. Who has one gets what is theirs alone: test/accounts/.
  'GET /v1/logins': { answers: everybody(401) },
  'DELETE /v1/logins': { answers: everybody(401) },
  'DELETE /v1/logins/:login_id': { answers: everybody(401) },
  'GET /v1/accounts/me': { answers: everybody(401) },
  'DELETE /v1/accounts/me': { answers: everybody(401) },
  'POST /v1/accounts/me/password': { answers: everybody(401) },
  'GET /v1/accounts/me/sessions': { answers: everybody(401) },
  'POST /v1/accounts/me/sessions': { answers: everybody(401) },
  'POST /v1/accounts/me/sessions/:session_id/clients': { answers: everybody(401) },
  'GET /v1/*': { answers: everybody(404) },
  'GET /*': { answers: everybody(200) },
};
