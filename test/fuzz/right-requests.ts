/** One right request, or several, to each route: what is drawn from a seed may take long to get as far. */
import { builtInPlans } from '../../shared/workout/built-in-plans.ts';
import { rightBodies } from './account-bodies.ts';
import { ours, type HttpCase } from './http-inputs.ts';
import { intervalsBodies, rightKey } from './intervals-requests.ts';
import { rightBody } from './seat.ts';

/** `route` as the app names it. */
function request(route: string, authorization: string, body?: string): HttpCase {
  const [method = '', url = ''] = route.split(' ');
  const path = url
    .split('/')
    .map((part) => ours[part] ?? part)
    .join('/');
  const headers = { authorization, 'x-forwarded-for': '$ADDRESS' };
  return {
    kind: 'http',
    method,
    path,
    headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
    base64: Buffer.from(body ?? '').toString('base64'),
  };
}

const ofAccounts = Object.entries(rightBodies).map(([route, bodies]) => {
  const asked = (name: string, body?: object): HttpCase =>
    request(name, 'Bearer $ACCESS', body === undefined ? undefined : JSON.stringify(body));
  const own = bodies.length === 0 ? [asked(route)] : bodies.map((body) => asked(route, body));
  // Only who has made the session theirs takes it up on another device.
  const claim = asked('POST /v1/accounts/me/sessions', {
    session_id: '$SESSION',
    client_id: '$CLIENT',
    token: '$TOKEN',
  });
  const keep = asked('PUT /v1/accounts/me/workouts/:workout_id', { plan: builtInPlans[0]?.plan });
  if (route.includes('/me/workouts/')) return [keep, ...own];
  return route.includes('/me/sessions/') ? [claim, ...own] : own;
});

const ofIntervals = Object.entries(intervalsBodies).map(([route, [body]]) => [
  request(route, rightKey, body && JSON.stringify(body)),
]);

const session = '/v1/sessions/:session_id/clients/:client_id';

const ofSessions: readonly (readonly HttpCase[])[] = [
  [request('POST /v1/sessions', 'Bearer $ACCESS', rightBody())],
  [request(`GET ${session}`, 'Bearer $TOKEN')],
  [request(`POST ${session}/readers`, 'Bearer $TOKEN')],
  [request('GET /v1/sessions/:session_id/readers/:reader_id', 'Bearer $LINK')],
  [request(`DELETE ${session}/readers/:reader_id`, 'Bearer $TOKEN')],
  [request(`DELETE ${session}`, 'Bearer $TOKEN')],
];

/** Requests for a seat of their own each: the answer is the one of the page. */
export const rightRequests: readonly (readonly HttpCase[])[] = [
  ...ofAccounts,
  ...ofIntervals,
  ...ofSessions,
];
