import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { resumeTokens } from '../../server/auth/resume-tokens.ts';
import { signingKeys } from '../../server/auth/signing-keys.ts';
import { defaultLimits } from '../../shared/protocol/limits.ts';
import { startServer, testSecret, type LiveServer } from '../support/live-server.ts';
import {
  adds,
  attach,
  createSession,
  hello,
  newIncarnation,
  openSocket,
  type Created,
} from '../support/raw-client.ts';

let server: LiveServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

const tokens = resumeTokens(signingKeys([testSecret]));
const withToken = (created: Created, generation: number): object => {
  const { session_id, client_id } = created;
  return hello(created, { token: tokens.issue(session_id, client_id, generation) });
};

/** Opens, sends, and returns the close that follows. */
async function closeAfter(created: Created, ...frames: (object | string)[]) {
  const client = await openSocket(created.resume_url);
  for (const frame of frames) client.send(frame);
  return client.closed;
}

describe('handshake', () => {
  test('[H1] a client without a common subprotocol is closed with 4010 and told which there are', async () => {
    const { resume_url } = await createSession(server.url);
    const client = await openSocket(resume_url, { protocols: ['trackstand.v9'] });
    expect(await client.closed).toEqual({
      code: 4010,
      reason: 'version-unsupported: trackstand.v1',
    });
  });

  test('[H2] commands before hello are answered with 4001', async () => {
    const { code, reason } = await closeAfter(await createSession(server.url), adds(1, 5));
    expect({ code, reason }).toMatchObject({
      code: 4001,
      reason: expect.stringMatching(/^hello-expected/),
    });
  });

  test('[H3] a second hello on one connection closes it with 4001', async () => {
    const created = await createSession(server.url);
    const client = await attach(created);
    client.send(hello(created));
    expect(await client.closed).toMatchObject({
      code: 4001,
      reason: expect.stringMatching(/^hello-repeated/),
    });
  });

  test('[H4] welcome, snapshot, live: in this order', async () => {
    const { greeting } = await attach(await createSession(server.url));
    expect(greeting.map(({ type }) => type)).toEqual(['welcome', 'snapshot', 'live']);
    expect(greeting[0]).toMatchObject({ result: 'new', accepted: 0, limits: defaultLimits });
  });

  test('[H6] a hello of a newer version of the kind is closed with 4203, and a kind nobody knows too', async () => {
    const created = await createSession(server.url);
    expect(await closeAfter(created, hello(created, { version: 2 }))).toMatchObject({ code: 4203 });
    expect(await closeAfter(created, hello(created, { kind: 'yoga' }))).toMatchObject({
      code: 4203,
    });
  });

  test.each([
    ['malformed JSON', '{"type":'],
    ['an unknown frame', '{"type":"teapot"}'],
    ['a missing field', '{"type":"hello"}'],
    ['a wrong type', '{"type":"commands","seq":"1","commands":[]}'],
    ['an array', '[]'],
  ])('[H7] %s is answered with 4001, and other sessions notice nothing', async (_name, text) => {
    const other = await attach(await createSession(server.url));
    expect(await closeAfter(await createSession(server.url), text)).toMatchObject({ code: 4001 });
    other.send(adds(1, 3));
    expect(await other.nextOf('entries')).toMatchObject({ accepted: 1 });
  });

  test('[H7] a binary frame is answered with 4001', async () => {
    const client = await attach(await createSession(server.url));
    client.socket.send(Buffer.from('{"type":"ping","n":1}'), { binary: true });
    expect(await client.closed).toMatchObject({
      code: 4001,
      reason: expect.stringMatching(/^bad-frame/),
    });
  });

  test('[H8] bye ends the connection with 4000, and the session can be resumed', async () => {
    const created = await createSession(server.url);
    const client = await attach(created);
    client.send(adds(1, 4));
    await client.nextOf('entries');
    client.send({ type: 'bye' });
    expect(await client.closed).toMatchObject({ code: 4000 });
    const [welcome] = (await attach(created)).greeting;
    expect(welcome).toMatchObject({ type: 'welcome', accepted: 1 });
  });
});

describe('tokens', () => {
  test('[A1] no token stands in a log line, whatever was asked', async () => {
    const created = await createSession(server.url);
    const client = await attach(created);
    client.socket.terminate();
    await closeAfter(created, hello(created, { token: 'nonsense' }));
    const token = new URL(created.resume_url).hash.slice(1);
    const signature = token.split('.')[2] ?? '';
    await fetch(created.resume_url, { headers: { authorization: `Bearer ${token}` } });
    expect(server.log.length).toBeGreaterThan(0);
    expect(server.log.join('')).not.toContain(signature);
  });

  test('[A2] a wrong token, another session’s token and a wrong generation are closed with 4003', async () => {
    const created = await createSession(server.url);
    const other = await createSession(server.url);
    const token = new URL(other.resume_url).hash.slice(1);
    const forged = new URL(created.resume_url).hash.slice(1).replace('t1.1.', 't1.2.');
    for (const wrong of ['', 'x', token, forged])
      expect(await closeAfter(created, hello(created, { token: wrong }))).toMatchObject({
        code: 4003,
      });
  });

  test('[A3] the token of a welcome that was lost is not needed: the old one still works', async () => {
    const created = await createSession(server.url);
    for (let round = 0; round < 3; round++) {
      const client = await attach(created);
      client.socket.terminate();
    }
    const { greeting } = await attach(created);
    expect(greeting[0]).toMatchObject({ type: 'welcome' });
  });

  test('[A4] once the successor was used, the old token is closed with 4003 and does nothing', async () => {
    const created = await createSession(server.url);
    const first = await attach(created);
    const [welcome] = first.greeting;
    const successor = welcome?.type === 'welcome' ? welcome.token : '';
    await attach(created, { token: successor });
    const closed = await closeAfter(created, hello(created));
    expect(closed).toMatchObject({ code: 4003, reason: expect.stringMatching(/^token-retired/) });
    const { greeting } = await attach(created, { token: successor });
    expect(greeting[0]).toMatchObject({ accepted: 0 });
  });

  test('[A5] a token the store never heard of is good when the service signed it', async () => {
    const created = await createSession(server.url);
    const client = await openSocket(created.resume_url);
    client.send(withToken(created, 31));
    expect(await client.next()).toMatchObject({ type: 'welcome' });
  });
});

describe('bounds', () => {
  test('[B1] an oversized frame ends the connection with 1009, and the process stays up', async () => {
    const created = await createSession(server.url);
    const big = 'x'.repeat(defaultLimits.frame_bytes_max + 1);
    expect(await closeAfter(created, big)).toMatchObject({ code: 1009 });
    expect((await fetch(`${server.url}/livez`)).status).toBe(200);
  });

  test('[B2] a command with more data than allowed is answered with 4001', async () => {
    const client = await attach(await createSession(server.url));
    const data = { amount: 1, note: 'x'.repeat(defaultLimits.command_bytes_max) };
    client.send({ type: 'commands', seq: 1, commands: [['add', data, 1]] });
    expect(await client.closed).toMatchObject({ code: 4001 });
  });

  test('[B12] data nested deeper than allowed is answered with 4001, and others in the session go on', async () => {
    const created = await createSession(server.url);
    const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));
    const send = async (levels: number) => {
      const client = await attach(created);
      client.send({ type: 'commands', seq: 1, commands: [['add', nested(levels), 1]] });
      return client;
    };
    // Taken, and refused by the session kind.
    expect(await (await send(32)).nextOf('entries')).toMatchObject({
      entries: [{ refused: 'bad-command' }],
    });
    expect(await (await send(33)).closed).toMatchObject({ code: 4001 });
    // Deeper than the stack.
    const client = await attach(created);
    const deep = 100_000;
    client.send(
      `{"type":"commands","seq":2,"commands":[["add",${'['.repeat(deep)}${']'.repeat(deep)},1]]}`,
    );
    expect(await client.closed).toMatchObject({ code: 4001 });
    expect(server.log.filter((line) => line.includes('"level":50'))).toEqual([]);
  });

  test('[B3] a frame with more commands than allowed is answered with 4001', async () => {
    const client = await attach(await createSession(server.url));
    client.send(adds(1, ...Array.from({ length: 257 }, () => 0)));
    expect(await client.closed).toMatchObject({
      code: 4001,
      reason: expect.stringMatching(/^too-many-commands/),
    });
  });

  test('[B7] a session has its number of connections, and the next is closed with 4102', async () => {
    const created = await createSession(server.url);
    const clients = Array.from({ length: defaultLimits.connections_max + 1 }, (_, index) => {
      const client_id = `client-of-a-crowd-00000${10 + index}`;
      const token = tokens.issue(created.session_id, client_id, 1);
      const { origin } = new URL(server.url);
      return {
        ...created,
        client_id,
        resume_url: `${origin}/v1/sessions/${created.session_id}/clients/${client_id}#${token}`,
      };
    });
    const last = clients.pop() ?? created;
    for (const client of clients) await attach(client, { incarnation: newIncarnation() });
    expect(await closeAfter(last, hello(last))).toMatchObject({ code: 4102 });
  });
});
