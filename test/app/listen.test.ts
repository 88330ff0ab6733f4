import { connect } from 'node:net';
import { join } from 'node:path';

import Fastify from 'fastify';
import { expect, onTestFinished, test } from 'vitest';

import { listen } from '../../server/app/listen.ts';
import { readConfig } from '../../server/config.ts';
import { testSecret } from '../support/live-server.ts';
import { makePrivateFolder } from '../support/services/private-folder.ts';

test('all clients of an instance that died find room in the queue of another one, though it takes none of them just then', async () => {
  const folder = await makePrivateFolder('listen');
  const path = join(folder.path, 'a.sock');
  const app = Fastify();
  onTestFinished(async () => {
    await app.close();
    await folder.remove();
  });
  const config = readConfig({
    DATABASE_URL: 'postgres://127.0.0.1/none',
    TRACKSTAND_SECRET: testSecret,
    LISTEN: `unix:${path}`,
  });
  await listen(app, config);
  // Before this turn of the event loop is over none is taken. Node asks for 511 places by itself.
  const outcomes = Array.from(
    { length: 600 },
    () =>
      new Promise((resolve) => {
        const socket = connect(path, () => resolve('connected'));
        socket.once('error', ({ message }) => resolve(message));
        onTestFinished(() => void socket.destroy());
      }),
  );
  expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['connected']));
});
