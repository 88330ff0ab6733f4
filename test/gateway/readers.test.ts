import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startServer, type LiveServer } from '../support/live-server.ts';
import {
  adds,
  attach,
  createSession,
  hello,
  openSocket,
  type Created,
} from '../support/raw-client.ts';

let server: LiveServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

interface Link {
  readonly reader_id: string;
  readonly read_url: string;
}

const tokenOf = (url: string): string => new URL(url).hash.slice(1);

interface Asking {
  readonly method?: string;
  readonly token?: string;
  readonly more?: Readonly<Record<string, string>>;
}

async function ask(url: string, { method = 'GET', token = tokenOf(url), more = {} }: Asking = {}) {
  const headers = { authorization: `Bearer ${token}`, ...more };
  const response = await fetch(url, { method, headers });
  const text = await response.text();
  const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
  return { status: response.status, code: body['code'], body, tag: response.headers.get('etag') };
}

const readersOf = ({ resume_url }: Created): string => `${resume_url.split('#')[0]}/readers`;

async function giveOut(created: Created): Promise<Link> {
  const { status, body } = await ask(readersOf(created), {
    method: 'POST',
    token: tokenOf(created.resume_url),
  });
  expect(status).toBe(201);
  return body as unknown as Link;
}

const takeBack = (created: Created, readerId: string, token = tokenOf(created.resume_url)) =>
  ask(`${readersOf(created)}/${readerId}`, { method: 'DELETE', token });

describe('a link to look at a session', () => {
  test('[W1] [W2] shows the session as it goes on, and nothing new when there is nothing new', async () => {
    const created = await createSession(server.url);
    const link = await giveOut(created);
    const rider = await attach(created);
    const before = await ask(link.read_url);
    expect(before).toMatchObject({ status: 200, body: { state: { total: 0 } } });
    expect(before.body['session_id']).toBe(created.session_id);
    rider.send(adds(1, 5));
    const more = { 'if-none-match': before.tag ?? '' };
    await expect.poll(async () => (await ask(link.read_url, { more })).status).toBe(200);
    const isThere = async () => (await ask(link.read_url)).body;
    await expect.poll(isThere).toMatchObject({ state: { total: 5 } });
    await expect
      .poll(async () => (await ask(link.read_url)).tag)
      .toBe(before.tag?.replace(/\d+"$/, '2"'));
    const after = await ask(link.read_url);
    const same = await ask(link.read_url, { more: { 'if-none-match': after.tag ?? '' } });
    expect(same).toMatchObject({ status: 304, body: {} });
  });

  test('[W1] is good for nothing else: no upgrade, no giving up, no further links, no other session', async () => {
    const [created, other] = await Promise.all([
      createSession(server.url),
      createSession(server.url),
    ]);
    const { read_url: readUrl } = await giveOut(created);
    const token = tokenOf(readUrl);
    const client = await openSocket(created.resume_url);
    client.send(hello(created, { token }));
    expect((await client.closed).code).toBe(4003);
    const [place = ''] = created.resume_url.split('#');
    const answers = await Promise.all([
      ask(place, { token }),
      ask(place, { method: 'DELETE', token }),
      ask(readersOf(created), { method: 'POST', token }),
      ask(readUrl.replace(created.session_id, other.session_id), { token }),
      ask(readUrl.split('#')[0] ?? '', { token: tokenOf(created.resume_url) }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401]);
  });

  test('[W3] is taken back for good, and other links and the rider go on', async () => {
    const created = await createSession(server.url);
    const [first, second] = [await giveOut(created), await giveOut(created)];
    expect((await takeBack(created, first.reader_id)).status).toBe(204);
    expect((await takeBack(created, first.reader_id)).status).toBe(204);
    expect(await ask(first.read_url)).toMatchObject({ status: 401, code: 'token-revoked' });
    expect((await ask(second.read_url)).status).toBe(200);
    // Another instance, whose Redis has never heard of anything.
    const bare = await startServer({ postgres: server.stores.postgres });
    const there = first.read_url.replace(server.url, bare.url);
    expect(await ask(there)).toMatchObject({ status: 401, code: 'token-revoked' });
    await bare.stop();
    const rider = await attach(created);
    expect(rider.greeting[0]).toMatchObject({ type: 'welcome' });
  });

  test('[W3] whoever may take links back puts no client out by that', async () => {
    const created = await createSession(server.url);
    expect((await takeBack(created, created.client_id)).status).toBe(404);
    expect((await ask(created.resume_url)).status).toBe(200);
  });

  test('[W3] who gave the right to the session up gives out no link and takes none back', async () => {
    const created = await createSession(server.url);
    const link = await giveOut(created);
    await ask(created.resume_url, { method: 'DELETE' });
    const token = tokenOf(created.resume_url);
    expect((await takeBack(created, link.reader_id)).code).toBe('token-revoked');
    const again = await ask(readersOf(created), { method: 'POST', token });
    expect(again.code).toBe('token-revoked');
  });
});
