import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

import { describe, expect, test } from 'vitest';

import { testSecret } from '../support/live-server.ts';
import { builtFile, freshPostgres } from '../support/services/shared-services.ts';
import { goodPassword, startAccountServer, tokensOf } from './account-server.ts';

/** Runs the built command, as an operator of the machine does. */
async function run(postgres: string, args: readonly string[], password: string) {
  await builtFile('server/main');
  const file = await builtFile('server/operator');
  const child = spawn(process.execPath, [file, ...args], {
    env: { DATABASE_URL: postgres, TRACKSTAND_SECRET: testSecret, HASH_COST: '4' },
  });
  child.stdin.end(`${password}\n`);
  const [out, error] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (child.exitCode === null) await once(child, 'exit');
  return { code: child.exitCode, out, error };
}

describe('the first operator', () => {
  test('is made by a command on an empty database, and signs in', async () => {
    const { url: postgres } = await freshPostgres();
    const made = await run(postgres, ['Ada@example.com'], goodPassword);
    expect(made).toEqual({
      code: 0,
      out: 'ada@example.com is an operator (created).\n',
      error: '',
    });
    const server = await startAccountServer({ postgres });
    try {
      const before = tokensOf(await server.login('ada@example.com'));
      const me = (access: string) => server.ask('GET', '/v1/accounts/me', { access });
      expect((await me(before.access)).body).toMatchObject({ is_operator: true });
      // Once more: another password, and whoever had the former one is signed out.
      const again = await run(postgres, ['ada@example.com'], 'tailwind to the sea');
      expect(again.out).toBe('ada@example.com is an operator (updated).\n');
      expect((await me(before.access)).status).toBe(401);
      expect((await server.login('ada@example.com', 'tailwind to the sea')).status).toBe(200);
    } finally {
      await server.stop();
    }
  });

  test('has a password that is no worse than anybody’s', async () => {
    const { url: postgres } = await freshPostgres();
    const weak = await run(postgres, ['ada@example.com'], 'password123456');
    expect([weak.code, weak.error]).toEqual([
      64,
      'That password is among the first that are tried. Choose another one.\n',
    ]);
    expect((await run(postgres, [], '')).code).toBe(64);
  });
});
