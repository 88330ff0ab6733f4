/** Runs one of the project's commands from a fresh clone: installs, builds, and hands over. Plain JS, like `npm start`. */
import { fileURLToPath } from 'node:url';

import { install, needsInstall, nodeProblem } from './local/bootstrap.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Bundles a command starts besides itself. */
const needed = {
  'ride/main': ['server/main', 'local/pglite-process'],
  'load/main': ['server/main', 'deploy/verdict'],
  'storage/main': ['server/main', 'local/pglite-process'],
  'long-ride/main': ['server/main', 'local/pglite-process'],
  'sim/main': [],
  'chaos/main': ['server/main', 'chaos/device'],
  'fuzz/main': ['server/main'],
  'server/sessions': [],
  'prove/main': ['server/main', 'server/sessions', 'deploy/verdict'],
};

async function run() {
  const name = process.argv[2] ?? '';
  if (!Object.hasOwn(needed, name))
    return fail(`There is no command "${name}"; there are ${Object.keys(needed).join(', ')}.`);
  const problem = nodeProblem(process.version) ?? (needsInstall(root) ? install(root) : undefined);
  if (problem !== undefined) return fail(problem);
  try {
    const { build } = await import('./build.mjs');
    await build({ only: [name, ...needed[name]] });
  } catch (error) {
    return fail(`The build failed: ${error instanceof Error ? error.message : String(error)}`);
  }
  // The command sees its own arguments only, as if it had been started itself.
  process.argv.splice(2, 1);
  await import(new URL(`../dist/${name}.js`, import.meta.url).href);
}

function fail(sentence) {
  console.error(sentence);
  process.exitCode = 1;
}

await run();
