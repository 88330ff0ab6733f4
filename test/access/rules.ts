/**
 * Who gets what from every route. A route without a row here fails the test: whoever adds one says who may use it, and adds callers
 * or ways to ask as needed.
 */

import { rightBody } from '../fuzz/seat.ts';
import type { Stage } from './stage.ts';

/** `owner`: the token of this session and client; `other`: a good token of another one; `revoked`: a token whose right was given up;
 * `reader`: what a link to look at this session holds. */
export const callers = ['anonymous', 'other', 'owner', 'revoked', 'reader'] as const;
export type Caller = (typeof callers)[number];

/** A status of HTTP, or for a WebSocket the first frame or close code. */
export type Answers = Readonly<Record<Caller, number | string>>;

export interface Rule {
  readonly answers: Answers;
  /** What the Authorization header holds: a session's resume token, which is the default, or an account's access token. */
  readonly proof?: 'resume' | 'access' | 'none';
  /** A right body, when the route takes one: as far as the caller can know what is right. */
  readonly body?: (stage: Stage, caller: Caller) => object | string;
}

const everybody = (answer: number): Answers => ({
  anonymous: answer,
  other: answer,
  owner: answer,
  revoked: answer,
  reader: answer,
});

const ownerOnly = (answer: number | string, refusal: number | string): Answers => ({
  anonymous: refusal,
  other: refusal,
  owner: answer,
  revoked: refusal,
  reader: refusal,
});

/** Each gets their own: what is in it is looked at in test/accounts/. */
const signedIn = (answer: number): Answers => ({
  ...everybody(401),
  owner: answer,
  other: answer,
});

const session = '/v1/sessions/:session_id/clients/:client_id';
const readers = '/v1/sessions/:session_id/readers/:reader_id';

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
  [`POST ${session}/readers`]: { answers: ownerOnly(201, 401) },
  [`DELETE ${session}/readers/:reader_id`]: { answers: ownerOnly(204, 401) },
  [`GET ${readers}`]: { answers: { ...everybody(401), reader: 200 } },
  'GET /v1/*': { answers: everybody(404) },
  'GET /*': { answers: everybody(200) },
};
