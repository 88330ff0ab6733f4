/**
 * What `npm start` and `npm test` need before they can need anything: plain JS that runs on an old Node and without
 * node_modules, so that both can say in a sentence what is missing.
 */
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';

const oldestNode = [20, 19];

/**
 * One sentence when this Node is too old, else undefined.
 * @param {string} version like `v20.19.0` or `20.19.0`
 */
export function nodeProblem(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const [oldestMajor, oldestMinor] = oldestNode;
  const isNewEnough = major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
  return isNewEnough
    ? undefined
    : `Trackstand needs Node.js ${oldestNode.join('.')} or newer, this is ${version}: see https://nodejs.org.`;
}

/**
 * Whether `npm ci` has to run: nothing is installed, an installation broke off, or the lock file changed since.
 * @param {string} root the repository
 */
export function needsInstall(root) {
  // npm writes this file last, so it is missing after an interrupted installation.
  const installed = modifiedMs(join(root, 'node_modules', '.package-lock.json'));
  return installed === undefined || installed < modifiedMs(join(root, 'package-lock.json'));
}

/**
 * Installs what the lock file says, showing npm's own progress. Returns one sentence when that fails, else undefined.
 * @param {string} root the repository
 */
export function install(root) {
  console.log('Installing packages (npm ci), once …');
  const options = ['--include=dev', '--no-audit', '--no-fund'];
  const run = (...args) => spawnSync('npm', [...args, ...options], { cwd: root, stdio: 'inherit' });
  const { error, status } = run('ci');
  if (error !== undefined) return `npm does not run (${error.message}); it comes with Node.js.`;
  if (status === 0) return undefined;
  // `npm ci` refuses a registry that has not every platform's build of a package, `npm install` takes what fits here.
  console.log('npm ci failed, trying npm install …');
  return run('install', '--no-save').status === 0
    ? undefined
    : 'The packages could not be installed; the message of npm is above.';
}

function modifiedMs(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? undefined : stat.mtimeMs;
}
