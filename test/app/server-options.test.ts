import Fastify from 'fastify';
import { expect, test } from 'vitest';

import { serverOptions } from '../../server/trackstand.ts';

test('an app that was made without compilers of schemas is told so by its first route that has one', async () => {
  const route = { schema: { querystring: { type: 'object' } }, handler: () => 'never' };
  const refusing = Fastify(serverOptions({ hasSchemas: false }));
  refusing.get('/', route);
  await expect(refusing.ready()).rejects.toThrow('made with `hasSchemas: false`');
  const app = Fastify(serverOptions());
  app.get('/', route);
  await app.ready();
  await app.close();
});
