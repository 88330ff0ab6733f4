/**
 * `npm test`: from a fresh clone on a fresh Debian to a test run. Installs what is missing, runs vitest with the given
 * arguments, and says at the end what was skipped and why. Plain JS, because nothing is installed yet.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { install, needsInstall, nodeProblem } from '../deploy/local/bootstrap.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const debianPostgres = '/usr/lib/postgresql';

/** Programs the tests start privately, and the Debian package that brings each. Any of the names will do. */
const tools = [
  { names: ['redis-server'], package: 'redis-server' },
  { names: ['initdb'], package: 'postgresql' },
  { names: ['nginx'], package: 'nginx' },
  { names: ['promtool'], package: 'prometheus' },
  { names: ['chromium', 'chromium-browser', 'google-chrome'], package: 'chromium' },
];

/** Only a root that may start containers and other machines has use for these. Else those tests are skipped with a reason. */
const rootTools = [
  { names: ['dockerd'], package: 'docker.io' },
  { names: ['docker-compose'], package: 'docker-compose' },
  { names: ['busybox'], package: 'busybox-static' },
  { names: ['sshd'], package: 'openssh-server' },
  { names: ['ssh'], package: 'openssh-client' },
  { names: ['ip'], package: 'iproute2' },
  { names: ['systemctl'], package: 'systemd' },
  { names: ['shellcheck'], package: 'shellcheck' },
  { names: ['caddy'], package: 'caddy' },
];

/**
 * Installs packages without starting the servers in them: the tests only need the programs, and nobody asked for daemons.
 * A policy the machine already has is left as it is.
 */
const aptScript = `
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\\nexit 101\\n' > "$policy" && chmod 755 "$policy"
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"
`;

async function main(args) {
  const problem =
    nodeProblem(process.version) ??
    (needsInstall(root) ? install(root) : undefined) ??
    installTools(
      [...tools, ...(mayStartMachines() ? rootTools : [])]
        .filter((tool) => !isInstalled(tool))
        .map((tool) => tool.package),
    );
  if (problem === undefined) return runTests(args);
  console.error(problem);
  process.exitCode = 1;
}

/** Root with the capabilities for networks (12) and mounts (21), as test/support/services/docker-engine.ts asks for them. */
function mayStartMachines() {
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).status !== 0) return false;
  const status = readFileSync('/proc/self/status', 'utf8');
  const capabilities = BigInt(`0x${/^CapEff:\s+(\w+)/m.exec(status)?.[1] ?? '0'}`);
  return [12n, 21n].every((bit) => (capabilities & (1n << bit)) !== 0n);
}

function isInstalled({ names }) {
  const versions = existsSync(debianPostgres) ? readdirSync(debianPostgres) : [];
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/sbin',
    ...versions.map((version) => join(debianPostgres, version, 'bin')),
  ];
  return names.some((name) => folders.some((folder) => existsSync(join(folder, name))));
}

/** Returns one sentence when something is missing and stays so. */
function installTools(packages) {
  if (packages.length === 0) return undefined;
  const missing = packages.join(' ');
  const advice = `The tests need ${packages.join(', ')}: sudo apt-get install --no-install-recommends ${missing}`;
  const asRoot = rootCommand();
  if (asRoot === undefined) return advice;
  console.log(`Installing ${packages.join(', ')} with apt-get, once; this takes a minute or two …`);
  const [file, ...prefix] = [...asRoot, 'sh', '-c', aptScript, 'sh', ...packages];
  const { status, stderr } = spawnSync(file, prefix, {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  return status === 0 ? undefined : `${stderr.trim()}\napt-get failed. ${advice}`;
}

/** What runs a command as root here without asking anybody; undefined when nothing does or there is no apt-get. */
function rootCommand() {
  if (spawnSync('apt-get', ['--version']).status !== 0) return undefined;
  if (process.getuid?.() === 0) return [];
  return spawnSync('sudo', ['-n', 'true']).status === 0 ? ['sudo', '-n'] : undefined;
}

async function runTests(args) {
  const { parseCLI, startVitest } = await import('vitest/node');
  const { filter, options } = parseCLI(['vitest', 'run', ...args]);
  const skipped = new Map();
  const reporters = [...(options.reporters ?? ['default']), { onTestRunEnd: countInto(skipped) }];
  // vitest sets the exit code.
  await startVitest('test', filter, { ...options, root, reporters });
  for (const [reason, count] of skipped) console.log(`Skipped ${count}: ${reason}`);
}

/** Tests that were skipped with a reason, by `context.skip(reason)`; those a filter left out have none. */
function countInto(skipped) {
  return (modules) => {
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const { note } = test.result();
        if (note !== undefined) skipped.set(note, (skipped.get(note) ?? 0) + 1);
      }
    }
  };
}

await main(process.argv.slice(2));
