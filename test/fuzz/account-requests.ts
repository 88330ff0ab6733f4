/** One right request, or several, to each account route: what is drawn from a seed may take long to get as far. */
import { builtInPlans } from '../../shared/workout/built-in-plans.ts';
import { rightBodies } from './account-bodies.ts';
import type { HttpCase } from './http-inputs.ts';

/** Requests for a seat of their own each: the answer is the one of the page. */
export const rightRequests: readonly (readonly HttpCase[])[] = Object.entries(rightBodies).map(
  ([route, bodies]) => {
    const [method = '', url = ''] = route.split(' ');
    const path = url
      .replace(':session_id', '$SESSION')
      .replace(':login_id', '$LOGIN')
      .replace(':workout_id', '$WORKOUT');
    const headers = { authorization: 'Bearer $ACCESS', 'x-forwarded-for': '$ADDRESS' };
    const request = (body: object | undefined): HttpCase => ({
      kind: 'http',
      method,
      path,
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      base64: Buffer.from(body === undefined ? '' : JSON.stringify(body)).toString('base64'),
    });
    const own = bodies.length === 0 ? [request(undefined)] : bodies.map(request);
    // Only who has made the session theirs takes it up on another device.
    const claim = { session_id: '$SESSION', client_id: '$CLIENT', token: '$TOKEN' };
    const before = { ...request(claim), method: 'POST', path: '/v1/accounts/me/sessions' };
    const keep = {
      ...request({ plan: builtInPlans[0]?.plan }),
      method: 'PUT',
      path: '/v1/accounts/me/workouts/$WORKOUT',
    };
    if (url.includes('/me/workouts/')) return [keep, ...own];
    return url.includes('/me/sessions/') ? [before, ...own] : own;
  },
);
