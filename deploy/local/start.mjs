/** `npm start`: from a fresh clone to a running Trackstand. Plain JS, because nothing is installed or built yet. */
import { fileURLToPath } from 'node:url';

import { install, needsInstall, nodeProblem } from './bootstrap.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What the default runs; other bundles are built by those who need them. */
const bundles = ['app', 'server/main', 'local/main', 'local/pglite-process'];

async function start() {
  const problem = nodeProblem(process.version) ?? (needsInstall(root) ? install(root) : undefined);
  if (problem !== undefined) return fail(problem);
  try {
    const { build } = await import('../build.mjs');
    await build({ only: bundles });
  } catch (error) {
    return fail(`The build failed: ${error instanceof Error ? error.message : String(error)}`);
  }
  // The supervisor takes over in this very process, so keys and signals are its own.
  await import('../../dist/local/main.js');
}

function fail(sentence) {
  console.error(sentence);
  process.exitCode = 1;
}

await start();
