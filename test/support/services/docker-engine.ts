/**
 * A container engine for tests, with images that stand in for the official ones. One that runs already is used, with names of our own
 * and left as it was; else one is started privately: two at once would take each other's firewall rules away.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { startServer } from './private-server.ts';

/** Of the stand-ins: `trackstand-test/node`. */
export const standIns = 'trackstand-test';

export interface DockerEngine {
  /** For DOCKER_HOST. */
  readonly url: string;
  stop(): Promise<void>;
}

const defaultUrl = 'unix:///var/run/docker.sock';
const standInScript = fileURLToPath(new URL('stand-in-images.sh', import.meta.url));
const searched = `${process.env['PATH'] ?? ''}:/usr/sbin`;

/** Root, with the capabilities to set up networks (12) and to mount (21). */
export function mayAdminister(): boolean {
  if (process.getuid?.() !== 0) return false;
  const status = readFileSync('/proc/self/status', 'utf8');
  const capabilities = BigInt(`0x${/^CapEff:\s+(\w+)/m.exec(status)?.[1] ?? '0'}`);
  return [12n, 21n].every((bit) => (capabilities & (1n << bit)) !== 0n);
}

/** Why no engine can run here; undefined when one can. */
export function whyNoEngine(): string | undefined {
  if (!mayAdminister()) return 'a container engine needs a root that may set up networks';
  const isThere = (name: string): boolean =>
    searched.split(':').some((folder) => existsSync(join(folder, name)));
  const missing = ['dockerd', 'docker-compose', 'busybox'].filter((name) => !isThere(name));
  return missing.length === 0 ? undefined : `${missing.join(' and ')} not installed`;
}

/** Why containers are not tested; throws where they must be: an engine could run there, and going without would be no pass (.ci/run). */
export function skipped(
  why: string | undefined,
  engine = process.env['TRACKSTAND_ENGINE'],
): string | undefined {
  if (why !== undefined && engine === 'required')
    throw new Error(`The containers must be tested here, but ${why}.`);
  return why;
}

/** At the end of its input, also when the test process was killed, nothing of ours is left. */
const guardScript = `
  cat > /dev/null
  if [ -z "$1" ]; then
    docker rm -fv $(docker ps -aq --filter name=${standIns})
    docker rmi -f $(docker image ls -q --filter reference="${standIns}*/*" --filter reference="${standIns}*")
  else
    docker rm -fv $(docker ps -aq)
    kill "$1"
    while kill -0 "$1"; do sleep 0.2; done
    rm -rf "$2"
  fi`;

export async function startDockerEngine(): Promise<DockerEngine> {
  const isRunning = await docker(defaultUrl, 'info').then(
    () => true,
    () => false,
  );
  const started = isRunning ? undefined : await startOwn();
  const url = started?.url ?? defaultUrl;
  const guard = spawn(
    'sh',
    ['-c', guardScript, 'sh', String(started?.pid ?? ''), started?.path ?? ''],
    { stdio: ['pipe', 'ignore', 'ignore'], detached: true, env: environment(url) },
  );
  guard.unref();
  (guard.stdin as Socket).unref();
  await promisify(execFile)(standInScript, [standIns, process.execPath], {
    env: environment(url),
  });
  return {
    url,
    stop: async () => {
      guard.ref();
      const ended = once(guard, 'exit');
      guard.stdin.end();
      await ended;
    },
  };
}

async function startOwn(): Promise<{ url: string; pid: number; path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'trackstand-engine-'));
  const at = (name: string): string => join(path, name);
  const url = `unix://${at('docker.sock')}`;
  const { pid } = await startServer(
    {
      file: 'dockerd',
      args: ['-H', url, '--data-root', at('data'), '--exec-root', at('exec'), '-p', at('pid')],
      ready: /API listen on/,
      env: { PATH: searched },
    },
    // The guard ends it in order: what it mounted would stay.
    { path, guard: () => {} },
  );
  return { url, pid, path };
}

/** For programs that talk to the engine. */
export const environment = (url: string): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: searched,
  DOCKER_HOST: url,
  // The builder that needs no plug-in.
  DOCKER_BUILDKIT: '0',
});

/** What docker prints. */
export async function docker(url: string, ...words: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('docker', words, { env: environment(url) });
  return stdout.trim();
}
