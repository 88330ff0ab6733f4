/** What is sent over HTTP: requests to every route there is, right, almost right and wrong; and bytes that are hardly a request. */
import fc, { type Arbitrary } from 'fast-check';

import { partlyRight, rightBodiesOf } from './account-bodies.ts';
import { rightKey } from './intervals-requests.ts';
import { bytesMutated, mutated } from './mutation.ts';
import type { Route } from './route-list.ts';
import { valuesOf } from './schema-arbitrary.ts';

/** One request. `$SESSION`, `$ACCESS` and so on stand for those of a session and an account that exist: see `seated`. */
export interface HttpCase {
  readonly kind: 'http';
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly base64: string;
}

/** Bytes on a connection of their own. */
export interface RawCase {
  readonly kind: 'raw';
  readonly base64: string;
}

const id = fc.oneof(
  { weight: 3, arbitrary: fc.stringMatching(/^[A-Za-z0-9_-]{22,36}$/) },
  { weight: 1, arbitrary: fc.string({ maxLength: 40 }).map((text) => encodeURIComponent(text)) },
  { weight: 1, arbitrary: fc.constantFrom('', '%00', '%zz', '..', '%2e%2e%2f', 'x'.repeat(300)) },
);

const headerValues = fc
  .string({ maxLength: 60 })
  .map((text) => text.replaceAll(/[^\x20-\x7e]/g, '?'));

const headers = fc.record(
  {
    authorization: fc.oneof(
      { weight: 6, arbitrary: fc.constant('Bearer $TOKEN') },
      { weight: 2, arbitrary: fc.constant('Bearer $ACCESS') },
      { weight: 2, arbitrary: fc.constant('Bearer $LINK') },
      {
        weight: 2,
        arbitrary: fc.stringMatching(/^Bearer t1\.[1-9][0-9]{0,9}\.[A-Za-z0-9_-]{43}$/),
      },
      { weight: 1, arbitrary: headerValues },
    ),
    'content-encoding': fc.constantFrom('gzip', 'identity', 'br'),
    origin: fc.oneof(fc.constantFrom('$ORIGIN', 'null', 'https://evil.example'), headerValues),
    'access-control-request-method': fc.constantFrom('POST', 'TRACE'),
    'x-forwarded-for': fc.oneof(fc.ipV4(), fc.ipV6(), headerValues),
    'x-forwarded-host': fc.oneof(fc.domain(), headerValues),
    'x-forwarded-proto': fc.constantFrom('https', 'http', 'javascript'),
    accept: headerValues,
    'accept-encoding': headerValues,
    'if-none-match': headerValues,
    range: fc.constantFrom('bytes=0-1', 'bytes=-1', 'bytes=9-1', 'x'),
    cookie: fc.oneof(fc.constant('trackstand-login=$REFRESH'), headerValues),
    'sec-fetch-site': fc.constantFrom('same-origin', 'same-site', 'cross-site', 'none'),
  },
  { requiredKeys: [] },
);

/** Most requests have none of most headers. */
const fewHeaders = fc
  .tuple(headers, fc.nat())
  .map(([all, seed]) =>
    Object.fromEntries(
      Object.entries(all).filter(
        ([name], place) => name === 'authorization' || (seed >> place) % 5 === 0,
      ),
    ),
  );

const contentTypes = fc.oneof(
  { weight: 12, arbitrary: fc.constant('application/json') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'text/plain',
      'application/json; charset=utf-16',
      'multipart/form-data',
      '',
    ),
  },
  { weight: 1, arbitrary: headerValues },
);

/** Each account request comes from anywhere: how often an address may try is bounded, and would end the run's use. */
const accountHeaders = fc
  .tuple(fewHeaders, fc.nat(9), fc.ipV4())
  .map(([headers, chance, address]) => ({
    ...headers,
    ...(chance > 1 && { authorization: 'Bearer $ACCESS' }),
    'x-forwarded-for': address,
  }));

/** Who has a link shows it: with a session's token or nothing no request would get behind the door. */
const readerHeaders = fc.tuple(fewHeaders, fc.nat(9)).map(([headers, chance]) => ({
  ...headers,
  ...(chance > 2 && { authorization: 'Bearer $LINK' }),
}));

/** intervals.icu says which key is good. */
const keyHeaders = fc
  .tuple(accountHeaders, fc.nat(9))
  .map(([headers, chance]) => ({ ...headers, ...(chance > 2 && { authorization: rightKey }) }));

/** `recorded`: bodies of real clients. */
export function httpCases(
  routes: readonly Route[],
  recorded: readonly string[],
): Arbitrary<HttpCase> {
  return fc.oneof(...routes.map((route) => requestsTo(route, recorded)));
}

function requestsTo(route: Route, recorded: readonly string[]): Arbitrary<HttpCase> {
  const method = fc.oneof(
    { weight: 9, arbitrary: fc.constant(route.method) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'),
    },
  );
  const query = fc.oneof(
    { weight: 9, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: fc.webQueryParameters().map((text) => `?${text}`) },
  );
  const own = rightBodiesOf(`${route.method} ${route.url}`);
  const bodies = bodiesOf(route, own.length === 0 ? recorded : own);
  const headers = headersOf(route);
  return fc
    .tuple(method, pathsOf(route.url), query, headers, contentTypes, bodies)
    .map(([method, path, query, headers, type, body]) => ({
      kind: 'http' as const,
      method,
      path: `${path}${query}`,
      headers: body.length === 0 ? headers : { ...headers, 'content-type': type },
      base64: body.toString('base64'),
    }));
}

function headersOf({ url }: Route): Arbitrary<Record<string, string>> {
  if (/^\/v1\/(accounts|logins)(\/|$)/.test(url)) return accountHeaders;
  if (url.startsWith('/v1/intervals')) return keyHeaders;
  return /:session_id\/readers\//.test(url) ? readerHeaders : fewHeaders;
}

/** What stands for the seat's own in a path. */
export const ours: Readonly<Record<string, string>> = {
  ':session_id': '$SESSION',
  ':client_id': '$CLIENT',
  ':login_id': '$LOGIN',
  ':workout_id': '$WORKOUT',
  ':reader_id': '$READER',
  ':athlete_id': '0',
};

function pathsOf(url: string): Arbitrary<string> {
  const parts = url.split('/').map((part) => {
    const known = ours[part];
    if (known !== undefined)
      return fc.oneof({ weight: 4, arbitrary: fc.constant(known) }, { weight: 1, arbitrary: id });
    return /^[:*]/.test(part) ? id : fc.constant(part);
  });
  return fc.tuple(...parts).map((texts) => texts.join('/'));
}

function bodiesOf({ method, body }: Route, recorded: readonly string[]): Arbitrary<Buffer> {
  const none = fc.constant(Buffer.alloc(0));
  if (method === 'GET' || method === 'HEAD') return none;
  const shaped = body === undefined ? fc.jsonValue() : partlyRight(valuesOf(body));
  const asBytes = (values: Arbitrary<unknown>): Arbitrary<Buffer> =>
    values.map((value) => Buffer.from(JSON.stringify(value) ?? ''));
  return fc.oneof(
    { weight: 3, arbitrary: asBytes(shaped) },
    {
      weight: 4,
      arbitrary: asBytes(
        mutated(
          fc.oneof(
            shaped,
            fc.constantFrom(...recorded).map((text): unknown => JSON.parse(text)),
          ),
        ),
      ),
    },
    { weight: 3, arbitrary: fc.constantFrom(...recorded).map((text) => Buffer.from(text)) },
    { weight: 3, arbitrary: bytesMutated(fc.constantFrom(...recorded)) },
    { weight: 1, arbitrary: none },
  );
}

/** Requests as bytes, almost right. */
export function rawCases(recorded: readonly string[]): Arbitrary<RawCase> {
  return bytesMutated(fc.constantFrom(...recorded)).map((bytes) => ({
    kind: 'raw',
    base64: bytes.toString('base64'),
  }));
}
