/**
 * Builds everything that runs into the git-ignored `dist/`. Node 20 cannot strip types, so each process is bundled;
 * npm packages stay outside Node bundles and go into the browser's. Plain JS, because this runs before any build.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build as bundle } from 'rolldown';

const repository = fileURLToPath(new URL('..', import.meta.url));

/** What becomes what. An inner list is one build whose entries share chunks, so that their classes are the same classes. */
const nodeBuilds = [
  {
    'server/main': 'server/app/main.ts',
    'server/operator': 'server/app/operator/main.ts',
    'server/hash-worker': 'server/hashing/hash-worker.js',
  },
  { 'server/sessions': 'server/app/sessions.ts' },
  { 'local/main': 'deploy/local/main.ts' },
  { 'deploy/verdict': 'deploy/verdict/main.ts' },
  { 'local/pglite-process': 'deploy/local/pglite-process.ts' },
  { 'ride/main': 'loadtest/ride/main.ts' },
  {
    'load/main': 'loadtest/load/main.ts',
    'load/subject': 'loadtest/load/subject.ts',
    'load/generator': 'loadtest/load/generator.ts',
    'load/hash-worker': 'server/hashing/hash-worker.js',
  },
  { 'storage/main': 'loadtest/storage/main.ts' },
  { 'long-ride/main': 'loadtest/long-ride/main.ts' },
  { 'sim/main': 'test/simulation/main.ts', 'sim/worker': 'test/simulation/worker.ts' },
  { 'chaos/main': 'test/chaos/main.ts' },
  { 'chaos/device': 'test/chaos/device-main.ts' },
  // It lists the app's routes, and so builds the app.
  { 'fuzz/main': 'test/fuzz/main.ts', 'fuzz/hash-worker': 'server/hashing/hash-worker.js' },
  { 'test/tally-sessions': 'test/support/tally-sessions.ts' },
  { 'prove/main': 'test/prove/main.ts' },
  {
    'trackstand/server': 'server/trackstand.ts',
    'trackstand/commands': 'server/cli/run-cli.ts',
    'trackstand/accounts': 'server/accounts/accounts.ts',
    'trackstand/hash-worker': 'server/hashing/hash-worker.js',
    'trackstand/client': 'client/connect.ts',
    'trackstand/storage': 'client/indexed-db-storage.ts',
    'trackstand/tabs': 'client/tab-hold.ts',
    'trackstand/react': 'client/react.ts',
    'trackstand/session': 'shared/session/session-model.ts',
  },
];

const browserApp = 'client/app';

/**
 * Builds what exists: an entry whose file is absent is skipped. Files are replaced whole and only when they changed, so
 * a process that starts during a build never reads half a file. Throws the bundler's error when sources do not build.
 * @param {object} [options]
 * @param {string[]} [options.only] names like `local/main` or `app`; all when absent or empty
 * @param {string} [options.root] the repository, for tests
 * @returns {Promise<string[]>} the files of the build, relative to `dist/`
 */
export async function build({ only = [], root = repository } = {}) {
  const isWanted = (name) => only.length === 0 || only.includes(name);
  const builds = nodeBuilds.filter((entries) => Object.keys(entries).some(isWanted));
  const dist = join(root, 'dist');
  const files = await Promise.all([
    ...builds.map((entries) => buildNode(root, entries)),
    isWanted('app') ? buildBrowserApp(root) : [],
  ]);
  const written = files.flat();
  await Promise.all(written.map(({ name, content }) => replaceFile(join(dist, name), content)));
  if (isWanted('app'))
    await removeStale(join(dist, 'app'), new Set(written.map(({ name }) => join(dist, name))));
  return written.map(({ name }) => name);
}

async function buildNode(root, entries) {
  const present = Object.entries(entries).filter(([, source]) => existsSync(join(root, source)));
  if (present.length === 0) return [];
  const { output } = await bundle({
    cwd: root,
    input: Object.fromEntries(present),
    platform: 'node',
    external: /^[^./]/,
    moduleTypes: { '.sql': 'text', '.lua': 'text' },
    output: {
      format: 'esm',
      sourcemap: true,
      chunkFileNames: `${dirname(present[0][0])}/shared-[hash].js`,
    },
    write: false,
    logLevel: 'warn',
  });
  return output.map(asFile);
}

async function buildBrowserApp(root) {
  const folder = join(root, browserApp);
  if (!existsSync(join(folder, 'main.ts'))) return [];
  const { output } = await bundle({
    cwd: root,
    input: { main: join(browserApp, 'main.ts') },
    platform: 'browser',
    output: {
      format: 'esm',
      sourcemap: true,
      minify: true,
      entryFileNames: '[name]-[hash].js',
      chunkFileNames: '[name]-[hash].js',
    },
    write: false,
    logLevel: 'warn',
  });
  const entry = output.find((chunk) => chunk.type === 'chunk' && chunk.isEntry);
  const files = [
    ...output.map(asFile),
    ...(await readAssets(folder, { 'main.ts': entry.fileName })),
  ];
  const hasWorker = files.some(({ name }) => name === 'service-worker.js');
  const page = hasWorker ? [...files, offlineFiles(files)] : files;
  return page.map(({ name, content }) => ({ name: `app/${name}`, content }));
}

/** What the page's service worker keeps: all files of this release, under a name that changes with any of them. */
function offlineFiles(files) {
  const kept = files
    .filter(({ name }) => !name.endsWith('.map') && name !== 'service-worker.js')
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const hash = createHash('sha256');
  for (const { name, content } of kept) hash.update(name).update('\0').update(content);
  const release = hash.digest('base64url').slice(0, 12);
  const names = kept.map(({ name }) => name);
  return {
    name: 'offline-files.js',
    content: `self.offlineFiles = ${JSON.stringify({ release, files: names })};\n`,
  };
}

/**
 * The app's files that are not code. The style sheet gets its hash into its name, `index.html` the hashed names into
 * its `src` and `href`, whatever prefix it gives them; everything else keeps its name.
 */
async function readAssets(folder, hashedNames) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile() && !['.ts', '.md'].includes(extname(entry.name)))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  const files = [];
  const renamed = { ...hashedNames };
  for (const name of names.filter((name) => name !== 'index.html')) {
    const content = await readFile(join(folder, name));
    if (extname(name) === '.css') renamed[name] = withHash(name, content);
    files.push({ name: renamed[name] ?? name, content });
  }
  if (!names.includes('index.html')) return files;
  const html = await readFile(join(folder, 'index.html'), 'utf8');
  return [...files, { name: 'index.html', content: withNames(html, renamed) }];
}

function withHash(name, content) {
  const hash = createHash('sha256').update(content).digest('base64url').slice(0, 8);
  return join(dirname(name), `${basename(name, extname(name))}-${hash}${extname(name)}`);
}

function withNames(html, renamed) {
  return html.replace(/\b(src|href)="([./]*)([^"]+)"/g, (whole, attribute, prefix, name) =>
    renamed[name] === undefined ? whole : `${attribute}="${prefix}${renamed[name]}"`,
  );
}

function asFile(output) {
  return { name: output.fileName, content: output.type === 'chunk' ? output.code : output.source };
}

async function replaceFile(path, content) {
  const before = await readFile(path).catch(() => undefined);
  if (before?.equals(Buffer.from(content)) === true) return;
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.tmp`;
  await writeFile(draft, content);
  await rename(draft, path);
}

/** Hashed names of earlier builds would pile up otherwise. Drafts of a build running beside this one are left alone. */
async function removeStale(folder, wanted) {
  if (!existsSync(folder)) return;
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const stale = entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.tmp'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !wanted.has(path));
  await Promise.all(stale.map((path) => rm(path, { force: true })));
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await build({ only: process.argv.slice(2) }).catch((error) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
