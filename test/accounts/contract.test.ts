import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { accountProblems } from '../../server/accounts/account-problems.ts';
import { startAccountServer } from './account-server.ts';

const page = readFileSync(new URL('../../server/accounts/ACCOUNTS.md', import.meta.url), 'utf8');

test('every code of an answer is in the table, with its status, and no other is', () => {
  const documented = [...page.matchAll(/^\| (\d{3})[^|]* \| (.*) \|$/gm)].flatMap(
    ([, status, codes = '']) =>
      [...codes.matchAll(/`([a-z]+(?:-[a-z]+)+)`/g)].map(([, code = '']) => `${status} ${code}`),
  );
  const real = Object.entries(accountProblems).map(([code, [status]]) => `${status} ${code}`);
  expect(documented.toSorted()).toEqual(real.toSorted());
});

test('every route is in the table, and every route in the table is there', async () => {
  const server = await startAccountServer();
  try {
    const documented = [...page.matchAll(/^\| `([A-Z]+ \/v1\/[^`]+)`/gm)]
      .map(([, route = '']) => route.replaceAll(/<(\w+)>/g, ':$1'))
      .filter((route) => route !== 'POST /v1/sessions');
    const real = server.routes.filter((route) => / \/v1\/(accounts|logins)/.test(route));
    expect(real.length).toBeGreaterThan(10);
    expect(documented.toSorted()).toEqual(real.toSorted());
  } finally {
    await server.stop();
  }
});
