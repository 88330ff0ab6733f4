/** Two accounts, a session of the first one's, and everything that is no good: what callers have to show. */
import { randomBytes } from 'node:crypto';

import { builtInPlans } from '../../shared/workout/built-in-plans.ts';
import { rightBody } from '../fuzz/seat.ts';
import type { Created } from '../support/raw-client.ts';

export interface Person {
  readonly email: string;
  readonly password: string;
  readonly access: string;
  readonly refresh: string;
  readonly loginId: string;
}

export interface ReadLink {
  readonly readerId: string;
  readonly token: string;
}

export interface Stage {
  readonly owner: Person;
  readonly other: Person;
  /** A login of the owner's that has ended. */
  readonly ended: Person;
  /** The owner's session, its resume token, and one of another session. */
  readonly created: Created;
  readonly token: string;
  readonly othersToken: string;
  /** Links to look at that session and at the other one. */
  readonly link: ReadLink;
  readonly othersLink: ReadLink;
  /** A workout the owner keeps. */
  readonly workoutId: string;
  /** Tokens of mails to the owner: a good one, one that was used, and one that nobody was sent. */
  readonly mailed: string;
  readonly spent: string;
  readonly guess: string;
  /** Signed by nobody. */
  readonly forged: string;
  /** The owner's password before, and one that may come next. */
  readonly former: string;
  readonly next: string;
}

export interface Service {
  readonly url: string;
  /** The token in the next mail to that address; those to others are passed over. */
  readonly mailedTo: (email: string) => Promise<string>;
}

let count = 0;

/** Every request from an address of its own: how often one may try is not what is looked at. */
export async function ask(
  { url }: Pick<Service, 'url'>,
  method: string,
  path: string,
  {
    body,
    proof,
    scheme = 'Bearer',
  }: {
    readonly body?: object | string;
    readonly proof?: string | undefined;
    readonly scheme?: 'Bearer' | 'Basic';
  } = {},
): Promise<Response> {
  count++;
  const text = typeof body === 'object' ? JSON.stringify(body) : body;
  const headers = {
    'x-forwarded-for': `10.${(count >> 16) % 256}.${(count >> 8) % 256}.${count % 256}`,
    ...(proof === undefined ? {} : { authorization: `${scheme} ${proof}` }),
    ...(text === undefined ? {} : { 'content-type': 'application/json' }),
  };
  return fetch(`${url}${path}`, { method, headers, ...(text === undefined ? {} : { body: text }) });
}

const tokenOf = ({ resume_url }: Created): string => new URL(resume_url).hash.slice(1);

export async function setStage(service: Service): Promise<Stage> {
  const post = async (path: string, body: object | string, proof?: string) => {
    const response = await ask(service, 'POST', path, { body, proof });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return (await response.json()) as Record<string, string>;
  };
  // The routes here are all JSON of strings; what a beginning answers with is checked where sessions are.
  const begin = async (proof?: string): Promise<Created> =>
    (await post('/v1/sessions', rightBody(), proof)) as unknown as Created;
  const mail = async (email: string): Promise<string> => {
    await post('/v1/accounts', { email });
    return service.mailedTo(email);
  };
  const choose = async (email: string, token: string, password: string): Promise<Person> => {
    const tokens = await post('/v1/accounts/passwords', { token, password, refresh_in: 'body' });
    return person(email, password, tokens);
  };
  const sign = async ({ email, password }: Pick<Person, 'email' | 'password'>) =>
    person(email, password, await post('/v1/logins', { email, password, refresh_in: 'body' }));

  const linkTo = async (created: Created): Promise<ReadLink> => {
    const { pathname } = new URL(created.resume_url);
    const given = await post(`${pathname}/readers`, {}, tokenOf(created));
    const { reader_id: readerId = '', read_url: readUrl = '' } = given;
    return { readerId, token: new URL(readUrl).hash.slice(1) };
  };

  const [email, others] = [`ada-${++count}@example.com`, `bob-${++count}@example.com`];
  const former = 'the first one of all';
  await choose(email, await mail(email), former);
  const spent = await mail(email);
  const owner = await choose(email, spent, 'mistral over ventoux');
  const ended = await sign(owner);
  await ask(service, 'POST', '/v1/logins/end', { body: { refresh_token: ended.refresh } });
  const other = await choose(others, await mail(others), 'tailwind to the sea');
  const created = await begin(owner.access);
  const workoutId = randomBytes(16).toString('base64url');
  const body = { plan: builtInPlans[1]?.plan };
  const place = `/v1/accounts/me/workouts/${workoutId}`;
  await ask(service, 'PUT', place, { body, proof: owner.access });
  const elsewhere = await begin(other.access);
  return {
    owner,
    other,
    ended,
    created,
    token: tokenOf(created),
    othersToken: tokenOf(elsewhere),
    link: await linkTo(created),
    othersLink: await linkTo(elsewhere),
    workoutId,
    spent,
    former,
    mailed: await mail(email),
    guess: randomBytes(32).toString('base64url'),
    forged: `${owner.refresh.slice(0, -1)}${owner.refresh.endsWith('A') ? 'B' : 'A'}`,
    next: 'up the galibier again',
  };
}

function person(email: string, password: string, tokens: Record<string, string>): Person {
  const { access_token: access = '', refresh_token: refresh = '', login_id: loginId = '' } = tokens;
  return { email, password, access, refresh, loginId };
}
