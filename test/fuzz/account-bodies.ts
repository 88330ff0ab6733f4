/** Bodies of account routes: right ones, and what stands in a field of that name when it is right. */
import fc, { type Arbitrary } from 'fast-check';

import { builtInPlans } from '../../shared/workout/built-in-plans.ts';
import { intervalsBodies } from './intervals-requests.ts';

/** By route; `$…` stands for the seat's own. */
export const rightBodies: Readonly<Record<string, readonly object[]>> = {
  'POST /v1/accounts': [{ email: '$EMAIL' }, { email: ' Somebody@Example.COM ' }],
  'POST /v1/accounts/resets': [{ email: '$EMAIL' }, { email: 'somebody@example.com' }],
  'POST /v1/logins': [
    { email: '$EMAIL', password: '$PASSWORD', device: 'a phone', refresh_in: 'body' },
    { email: '$EMAIL', password: '$PASSWORD' },
  ],
  'POST /v1/logins/refresh': [{ refresh_token: '$REFRESH' }],
  'GET /v1/logins': [],
  'GET /v1/accounts/me': [],
  'GET /v1/accounts/me/sessions': [],
  'POST /v1/accounts/me/sessions': [
    { session_id: '$SESSION', client_id: '$CLIENT', token: '$TOKEN' },
  ],
  'POST /v1/accounts/me/sessions/:session_id/clients': [],
  'GET /v1/accounts/me/sessions/:session_id': [],
  'GET /v1/accounts/me/sessions/:session_id/entries': [],
  'PATCH /v1/accounts/me/sessions/:session_id': [{ name: 'Tuesday with Ann' }],
  'DELETE /v1/accounts/me/sessions/:session_id': [],
  'GET /v1/accounts/me/workouts': [],
  'PUT /v1/accounts/me/workouts/:workout_id': [{ plan: builtInPlans[0]?.plan }],
  'GET /v1/accounts/me/workouts/:workout_id': [],
  'PATCH /v1/accounts/me/workouts/:workout_id': [{ name: 'Hills' }],
  'DELETE /v1/accounts/me/workouts/:workout_id': [],
  'POST /v1/accounts/me/password': [{ password: '$PASSWORD', new_password: '$PASSWORD' }],
  'DELETE /v1/logins/:login_id': [],
  'DELETE /v1/logins': [],
  'POST /v1/logins/end': [{ refresh_token: '$REFRESH' }],
  'POST /v1/accounts/passwords': [
    { token: '$MAILED', password: '$PASSWORD', device: 'a page', refresh_in: 'cookie' },
  ],
  'DELETE /v1/accounts/me': [{ password: '$PASSWORD' }],
};

/** Bodies of that route, as text; none where it takes none or is another one's. */
export function rightBodiesOf(route: string): readonly string[] {
  return (rightBodies[route] ?? intervalsBodies[route] ?? []).map((body) => JSON.stringify(body));
}

const fieldsOf: Readonly<Record<string, readonly string[]>> = {
  email: ['$EMAIL'],
  password: ['$PASSWORD'],
  new_password: ['$PASSWORD'],
  token: ['$MAILED', '$TOKEN'],
  refresh_token: ['$REFRESH', '$ACCESS'],
  session_id: ['$SESSION'],
  client_id: ['$CLIENT'],
};

/** The values with some of their fields right: the code behind a field is reached only past those before it. */
export function partlyRight(values: Arbitrary<unknown>): Arbitrary<unknown> {
  return fc.tuple(values, fc.nat()).map(([value, seed]) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    const fields = Object.entries(value).map(([name, drawn], place) => {
      const right = fieldsOf[name];
      const bits = seed >> (2 * place);
      return [name, right === undefined || bits % 4 === 0 ? drawn : right[bits % right.length]];
    });
    return Object.fromEntries(fields) as unknown;
  });
}
