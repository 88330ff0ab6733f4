/** The compose file and the Dockerfile that are shipped, in a folder of their own, with the stand-ins for images of others. */
import { execFile } from 'node:child_process';
import { appendFile, cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { lines, rollingScript, type RollingScript, type Settings } from './rolling-script.ts';
import { docker, environment, standIns } from './services/docker-engine.ts';
import { freePort } from './services/free-port.ts';
import { makePrivateFolder } from './services/private-folder.ts';

export interface ComposeProject {
  readonly url: string;
  readonly name: string;
  readonly deployFolder: string;
  readonly script: RollingScript;
  /** `up`, `-d`. Resolves to what it said. */
  compose(...words: readonly string[]): Promise<string>;
  docker(...words: readonly string[]): Promise<string>;
  /** Runs lines of bash in the folder, with the settings of rolling.sh. Resolves to what they printed. */
  bash(lines: string): Promise<string>;
  /** Adds lines to `.env`. */
  configure(values: Settings): Promise<void>;
  /** Ids of a service's containers, stopped ones too. */
  containers(service: string): Promise<string[]>;
  stop(): Promise<void>;
}

export interface ComposeParts {
  readonly repository: string;
  readonly engineUrl: string;
  /** `docker-compose`, or `docker compose`. */
  readonly command: readonly [file: string, ...words: string[]];
  readonly name: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly settings: Settings;
}

const context =
  /^(client|deploy|server|shared|package\.json|package-lock\.json|tsconfig\.json|\.npmrc|\.dockerignore)$/;

export async function makeComposeProject(parts: ComposeParts): Promise<ComposeProject> {
  const { repository, engineUrl, command } = parts;
  const folder = await makePrivateFolder('compose');
  const deployFolder = join(folder.path, 'deploy');
  for (const entry of await readdir(repository))
    if (context.test(entry))
      await cp(join(repository, entry), join(folder.path, entry), { recursive: true });
  const name = `${standIns}-${parts.name}`;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const run = promisify(execFile);
  await run('sh', [join(deployFolder, 'container/first-settings.sh'), url]);
  const images = ['node', 'nginx', 'redis', 'postgres', 'caddy'].map(
    (image) => `${image.toUpperCase()}_IMAGE=${standIns}/${image}\n`,
  );
  await appendFile(
    join(deployFolder, '.env'),
    `${images.join('')}HTTP_PORT=127.0.0.1:${port}\nHTTPS_PORT=127.0.0.1:${await freePort()}\nDOCKER_IMAGE=${name}\nINSTALLATION=${name}\n`,
  );
  // Everybody comes from one address here, and is made to move quickly; the grace is what a busy machine may need.
  await appendFile(
    join(deployFolder, 'env/app.env'),
    'LOG_LEVEL=warn\nCHECKPOINT_MS=200\nDRAIN_MOVES_PER_S=500\nDRAIN_GRACE_MS=30000\nSESSIONS_PER_HOUR_MAX=1000000\nCONNECTIONS_PER_ADDRESS_MAX=10000\n',
  );
  const env = { ...environment(engineUrl), COMPOSE_PROJECT_NAME: name, ...parts.env };
  const compose = async (...words: readonly string[]): Promise<string> => {
    const [file, ...first] = command;
    const { stdout, stderr } = await run(file, [...first, ...words], { cwd: deployFolder, env });
    return stdout + stderr;
  };
  const script = await rollingScript({
    deployFolder,
    configFile: join(deployFolder, 'test.conf'),
    env,
    settings: {
      DRIVER: 'docker',
      ...Object.fromEntries(
        [
          ['STATE_DIR', 'state'],
          ['RUN_DIR', 'run'],
          ['LOG_DIR', 'log'],
          ['APP_ENV', 'env/app.env'],
          ['PROXY_CONFIG', 'nginx/trackstand.conf'],
          ['ACCESS_LOG', 'log/trackstand.log'],
        ].map(([key = '', path = '']) => [key, join(deployFolder, path)] as const),
      ),
      PROXY_URL: url,
      DOCKER_IMAGE: name,
      INSTALLATION: name,
      PACKAGES_DIR: folder.path,
      ...parts.settings,
    },
  });
  const ask = (...words: readonly string[]): Promise<string> => docker(engineUrl, ...words);
  return {
    url,
    name,
    deployFolder,
    script,
    compose,
    docker: ask,
    bash: async (text) => {
      const whole = `set -euo pipefail -a; . ./test.conf; set +a; ${text}`;
      return (await run('bash', ['-c', whole], { cwd: deployFolder, env })).stdout.trim();
    },
    configure: (values) => appendFile(join(deployFolder, '.env'), lines(values)),
    containers: async (service) =>
      (
        await ask(
          'ps',
          '-aq',
          '--filter',
          `label=com.docker.compose.project=${name}`,
          '--filter',
          `label=com.docker.compose.service=${service}`,
        )
      ).split('\n'),
    stop: async () => {
      const own = await ask('ps', '-aq', '--filter', `name=${name}`);
      if (own !== '') await ask('rm', '-fv', ...own.split('\n'));
      await compose('down', '-v');
      // Of compose files that are used beside the first.
      const volumes = await ask('volume', 'ls', '-q', '--filter', `name=^${name}_`);
      if (volumes !== '') await ask('volume', 'rm', ...volumes.split('\n'));
      await folder.remove();
    },
  };
}
