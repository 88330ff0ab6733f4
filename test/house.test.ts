import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, test } from 'vitest';

import { settings } from '../server/config.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root })
  .toString('utf8')
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(root, file)));
const code = listed.filter((file) => /\.(ts|mjs|lua|sql|sh|css|html)$/.test(file));
const docs = listed.filter((file) => file.endsWith('.md'));

const rules = new Set(
  [...read('shared/protocol/PROTOCOL.md').matchAll(/\*\*\[([A-Z]\d+)\]\*\*/g)].map(
    ([, id = '']) => id,
  ),
);
const testFiles = listed.filter((file) => /^test\/.*\.ts$/.test(file));
/** Titles of tests, each with its file. */
const titles = testFiles.flatMap((file) =>
  [...read(file).matchAll(/\btest(?:\.each\([\s\S]*?\]\))?\(\s*(['`"])([\s\S]*?)\1/g)].map(
    ([, , title = '']) => ({
      file,
      title,
    }),
  ),
);
const cited = (title: string): string[] =>
  [...title.matchAll(/\[([A-Z]\d+)\]/g)].map(([, id = '']) => id);

describe('the contract and its tests', () => {
  test('every rule of the protocol has a test that cites it', () => {
    const tested = new Set(titles.flatMap(({ title }) => cited(title)));
    expect(rules.size).toBeGreaterThan(40);
    expect([...rules].filter((rule) => !tested.has(rule))).toEqual([]);
  });

  test('every rule cited, in tests and in code, is in the protocol', () => {
    const unknown = [
      ...titles.flatMap(({ file, title }) => cited(title).map((rule) => ({ file, rule }))),
      ...code
        .filter((file) => /^(server|client|shared)\//.test(file))
        .flatMap((file) =>
          [...read(file).matchAll(/ \[([A-Z]\d{1,2})\]/g)].map(([, rule = '']) => ({ file, rule })),
        ),
    ].filter(({ rule }) => !rules.has(rule));
    expect(unknown).toEqual([]);
  });

  test('what is tested of the wire, of sessions and of the gateway cites its rule', () => {
    const rooms = /^test\/(protocol|session|gateway|end-to-end)\//;
    const silent = titles.filter(
      ({ file, title }) => rooms.test(file) && cited(title).length === 0,
    );
    expect(silent).toEqual([]);
  });

  test('titles say what is, in the present tense, and are unique in their file', () => {
    expect(titles.filter(({ title }) => /\bshould\b/.test(title))).toEqual([]);
    const keys = titles.map(({ file, title }) => `${file}: ${title}`);
    expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
  });
});

describe('the house', () => {
  test('files have one reason each: 300 lines at most, tests 400', () => {
    const long = code
      .map((file) => ({ file, lines: read(file).split('\n').length - 1 }))
      .filter(({ file, lines }) => lines > (/^(test|loadtest)\//.test(file) ? 400 : 300));
    expect(long).toEqual([]);
  });

  test('pages stay short enough to be read', () => {
    const budget = { 'README.md': 150, 'ARCHITECTURE.md': 200, 'shared/protocol/PROTOCOL.md': 300 };
    for (const [file, linesMax] of Object.entries(budget))
      expect(read(file).split('\n').length, file).toBeLessThanOrEqual(linesMax);
  });

  test('nothing is left to be done in a comment, and no test is skipped in silence', () => {
    const left = code
      .filter((file) => file !== 'test/house.test.ts')
      .filter((file) =>
        /\b(TODO|FIXME|XXX)\b|\.only\(|eslint-disable|oxlint-disable|@ts-ignore/.test(read(file)),
      );
    expect(left).toEqual([]);
  });

  test('names say what a thing does', () => {
    expect(
      listed.filter((file) =>
        /(^|[/-])(utils?|helpers?|managers?|misc|common)([./-]|$)/.test(file),
      ),
    ).toEqual([]);
  });

  test('what comes from outside is nowhere run or made markup, and no service asks an address of anybody’s or starts a program', () => {
    const isRun =
      /\beval\(|new Function\(|node:vm|innerHTML|outerHTML|insertAdjacentHTML|document\.write|srcdoc/;
    const isAsked = /\bfetch\(|\brequest\b.*'node:https?'|\bundici\b|node:child_process/;
    const holding = (rooms: RegExp, form: RegExp) =>
      code.filter((file) => rooms.test(file) && form.test(read(file)));
    expect(holding(/^(server|client|shared)\//, isRun)).toEqual([]);
    // One address, which the operator sets.
    expect(holding(/^(server|shared)\//, isAsked)).toEqual(['server/intervals/intervals-api.ts']);
  });

  test('the top level is the one that was agreed on', () => {
    const top = new Set(listed.map((file) => file.split('/')[0] ?? ''));
    const folders = [...top].filter((name) => !name.includes('.') && name !== 'LICENSE');
    expect(folders.toSorted()).toEqual([
      'client',
      'deploy',
      'loadtest',
      'server',
      'shared',
      'test',
    ]);
  });

  test('the lock file names no registry, and no package needs an install script', () => {
    const lock = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { resolved?: string; hasInstallScript?: boolean }>;
    };
    const packages = Object.entries(lock.packages);
    expect(packages.length).toBeGreaterThan(50);
    expect(packages.filter(([, { resolved }]) => resolved?.startsWith('http'))).toEqual([]);
    expect(packages.filter(([, { hasInstallScript }]) => hasInstallScript === true)).toEqual([]);
  });
});

describe('what the pages say', () => {
  test('the table of settings is the one the server reads', () => {
    const documented = [
      ...read('OPERATIONS.md').matchAll(/^\| `([A-Z_]+)` \| ([^|]*) \| (.*) \|$/gm),
    ].map(([, variable, fallback, help]) => ({ variable, fallback: fallback?.trim(), help }));
    const real = Object.values(settings).map(([variable, { fallback, help }]) => ({
      variable,
      fallback: fallback === undefined ? 'required' : fallback === '' ? '-' : `\`${fallback}\``,
      help,
    }));
    expect(documented).toEqual(real);
  });

  test('links between pages and into the tree lead somewhere', () => {
    const dead = docs.flatMap((file) =>
      [...read(file).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !existsSync(join(root, dirname(file), target)))
        .map((target) => `${file} → ${target}`),
    );
    expect(dead).toEqual([]);
  });

  test('every room of the floor plan exists, and every room is on it', () => {
    const plan = read('ARCHITECTURE.md');
    const rooms = new Set(
      listed.filter((file) => /\/.*\.ts$/.test(file)).map((file) => `${dirname(file)}/`),
    );
    const missing = [...rooms].filter((room) => !room.startsWith('test/') && !plan.includes(room));
    expect(missing).toEqual([]);
  });

  test('every npm script the pages name exists', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = docs.flatMap((file) =>
      [...read(file).matchAll(/npm run ([a-z:]+)/g)].map(([, name = '']) => name),
    );
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});
