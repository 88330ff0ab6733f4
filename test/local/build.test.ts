import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, onTestFinished, test } from 'vitest';

import { makePrivateFolder } from '../support/services/private-folder.ts';

type Build = (options: { root: string; only?: string[] }) => Promise<string[]>;

const repository = fileURLToPath(new URL('../..', import.meta.url));
const { build } = (await import(join(repository, 'deploy/build.mjs'))) as { build: Build };

/** A repository with these files. */
async function makeRepository(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await makePrivateFolder('build');
  onTestFinished(() => folder.remove());
  const { path } = folder;
  await symlink(join(repository, 'node_modules'), join(path, 'node_modules'));
  await writeFiles(path, files);
  return path;
}

async function writeFiles(root: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  }
}

const app = {
  'client/app/main.ts': 'document.title = String(1 as number);',
  'client/app/style.css': 'body { margin: 0 }',
  'client/app/icons/logo.svg': '<svg/>',
  'client/app/index.html':
    '<link rel="stylesheet" href="/style.css"><script type="module" src="./main.ts"></script><a href="/icons/logo.svg">',
};

describe('the build', () => {
  test('takes types away, keeps packages outside and makes SQL and Lua text', async () => {
    const root = await makeRepository({
      'server/app/main.ts':
        "import pg from 'pg'; import sql from './a.sql'; import lua from './b.lua'; console.log(pg as object, sql, lua);",
      'server/app/a.sql': 'select 42;',
      'server/app/b.lua': 'return 43',
    });
    expect(await build({ root })).toEqual(['server/main.js', 'server/main.js.map']);
    const built = await readFile(join(root, 'dist/server/main.js'), 'utf8');
    expect(built).toMatch(/from "pg"/);
    expect(built).toMatch(/select 42;/);
    expect(built).toMatch(/return 43/);
  });

  test('gives entries of the library their classes in common', async () => {
    const root = await makeRepository({
      'shared/session/session-model.ts': 'export class Shared {}',
      'server/trackstand.ts': "export { Shared } from '../shared/session/session-model.ts';",
      'client/connect.ts': "export { Shared } from '../shared/session/session-model.ts';",
    });
    await build({ root });
    const load = async (name: string) =>
      (await import(join(root, 'dist/trackstand', `${name}.js`))) as { Shared: unknown };
    const [server, client] = await Promise.all([load('server'), load('client')]);
    expect(server.Shared).toBe(client.Shared);
  });

  test('names files of the browser app by their content and puts the names into the page', async () => {
    const root = await makeRepository(app);
    await build({ root });
    const names = (await readdir(join(root, 'dist/app'))).filter((name) => !name.endsWith('.map'));
    const script = names.find((name) => /^main-[\w-]+\.js$/.test(name));
    const style = names.find((name) => /^style-[\w-]+\.css$/.test(name));
    expect(names.toSorted()).toEqual(['icons', 'index.html', script, style]);
    expect(await readFile(join(root, 'dist/app/index.html'), 'utf8')).toBe(
      `<link rel="stylesheet" href="/${style}"><script type="module" src="./${script}"></script><a href="/icons/logo.svg">`,
    );
  });

  test('removes the names of earlier content', async () => {
    const root = await makeRepository(app);
    await build({ root });
    await writeFiles(root, { 'client/app/style.css': 'body { margin: 1px }' });
    await build({ root });
    const styles = (await readdir(join(root, 'dist/app'))).filter((name) => name.endsWith('.css'));
    expect(styles).toHaveLength(1);
  });

  test('of some entries leaves the others alone, broken or not', async () => {
    const root = await makeRepository({
      'server/app/main.ts': 'console.log(1);',
      'deploy/local/main.ts': 'const = broken',
    });
    expect(await build({ root, only: ['server/main'] })).toContain('server/main.js');
    await expect(build({ root })).rejects.toThrow(/deploy\/local\/main\.ts/);
  });
});
