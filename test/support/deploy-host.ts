/** A machine to deploy to: real nginx, real stores, plain processes, and rolling.sh over a folder of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ask } from '../../deploy/verdict/ask.ts';
import { instanceAt, routeNames } from '../../deploy/verdict/routes.ts';
import { builtInPlans } from '../../shared/workout/built-in-plans.ts';
import {
  lines,
  rollingScript,
  strings,
  type Outcome,
  type RollingScript,
  type RollingScriptParts,
  type Settings,
} from './rolling-script.ts';
import { freePort } from './services/free-port.ts';
import { startNginx, type NginxService } from './services/nginx-service.ts';

export interface DeployHost extends RollingScript {
  readonly nginx: NginxService;
  readonly url: string;
  readonly folder: string;
  readonly envFile: string;
  /** A release of the real server; `before` is code that runs first, for a release that is bad in some way. */
  release(name: string, before?: string): Promise<void>;
  /** Instances the routes lead to, each once, in order. */
  routed(): Promise<string[]>;
  connectionsOf(instance: string): Promise<number>;
  driver(...words: readonly string[]): Promise<Outcome>;
  audit(): Promise<Record<string, string>[]>;
  stop(): Promise<void>;
}

export interface DeployHostParts {
  readonly repository: string;
  /** Built. */
  readonly verdictFile: string;
  readonly serverFile: string;
  /** Commands of each release; without it rolling.sh asks none about the database. */
  readonly commandsFile?: string | undefined;
  readonly postgres: string;
  readonly redis: string;
  /** Of rolling.sh. */
  readonly settings?: Settings | undefined;
  /** Takes something away from nginx's configuration. */
  readonly editProxy?: ((text: string) => string) | undefined;
  /** By files and addresses, in place of links and sockets. */
  readonly isByFlags?: boolean | undefined;
  /** Of the instances. */
  readonly instanceSettings?: Settings | undefined;
  /** What rolling.sh is started by, in place of this machine as it is. */
  readonly machine?: RollingScriptParts['machine'];
}

/** At the end of its input it ends every instance of the run folder, also when the test process was killed. */
const guardScript = `cat > /dev/null; for pid in $(cat "$1"/*.pid "$1"/*.child 2>/dev/null); do kill -9 "$pid" 2>/dev/null; done; :`;

const trySession = JSON.stringify({
  kind: 'workout',
  input: { plan: builtInPlans[0]?.plan, ftpW: 200 },
});

export async function startDeployHost(parts: DeployHostParts): Promise<DeployHost> {
  const { repository: root, verdictFile: verdict, serverFile: main } = parts;
  const ports: number[] = [];
  if (parts.isByFlags === true)
    for (let count = 0; count < 4; count++) ports.push(await freePort());
  const nginx = await startNginx(join(root, 'deploy/nginx'), ports, parts.editProxy);
  const routing =
    parts.isByFlags === true
      ? {
          ROUTING: 'flags',
          ADDRESSES: ['a1', 'a2', 'b1', 'b2']
            .map((place, index) => `${place}=127.0.0.1:${ports[index]}`)
            .join(' '),
          PROXY_CONFIG: join(nginx.configFolder, 'trackstand-flags.conf'),
        }
      : {};
  const folder = join(nginx.runFolder, '..', 'host');
  const at = (...names: string[]): string => join(folder, ...names);
  await mkdir(at('releases'), { recursive: true });
  const guard = spawn('sh', ['-c', guardScript, 'sh', nginx.runFolder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  await writeFile(
    at('app.env'),
    lines({
      DATABASE_URL: parts.postgres,
      REDIS_URL: parts.redis,
      TRACKSTAND_SECRET: 'a secret of thirty-two characters or more',
      LOG_LEVEL: 'warn',
      CHECKPOINT_MS: 200,
      DRAIN_MOVES_PER_S: 500,
      // A busy machine may take its time.
      DRAIN_GRACE_MS: 30_000,
      // Everybody comes from one address here.
      SESSIONS_PER_HOUR_MAX: 1_000_000,
      CONNECTIONS_PER_ADDRESS_MAX: 10_000,
      ...parts.instanceSettings,
    }),
  );
  await chmod(at('app.env'), 0o600);
  const base = {
    STATE_DIR: at('state'),
    RUN_DIR: nginx.runFolder,
    RELEASES_DIR: at('releases'),
    LOG_DIR: at('log'),
    APP_ENV: at('app.env'),
    PROXY_URL: nginx.url,
    PROXY_CONFIG: join(nginx.configFolder, 'trackstand.conf'),
    ACCESS_LOG: nginx.accessLog,
    NODE: process.execPath,
    VERDICT: verdict,
    HEALTHY_S: 0.5,
    // A busy machine may take its time.
    READY_DEADLINE_S: 120,
    SOAK_S: 0.5,
    // Few people, and no time to wait for more.
    SOAK_CONNECTIONS: 0,
    LATE_MS: 10_000,
    DRAIN_DEADLINE_S: 45,
    TRY_SESSION: trySession,
    ...routing,
    ...parts.settings,
  };
  const script = await rollingScript({
    deployFolder: join(root, 'deploy'),
    configFile: at('rolling.conf'),
    settings: base,
    ...(parts.machine === undefined ? {} : { machine: parts.machine }),
  });
  return {
    ...script,
    nginx,
    url: nginx.url,
    folder,
    envFile: at('app.env'),
    release: async (name, before = '') => {
      await mkdir(at('releases', name, 'dist/server'), { recursive: true });
      await writeFile(at('releases', name, 'package.json'), '{"type":"module"}');
      await writeFile(at('releases', name, 'dist/server/before.js'), before);
      await writeFile(
        at('releases', name, 'dist/server/main.js'),
        `await import('./before.js');\nawait import(${JSON.stringify(main)});\n`,
      );
      if (parts.commandsFile !== undefined)
        await writeFile(
          at('releases', name, 'dist/server/sessions.js'),
          `await import(${JSON.stringify(parts.commandsFile)});\n`,
        );
    },
    routed: async () => {
      const instances = routeNames.map((route) => instanceAt(nginx.runFolder, route));
      return [...new Set((await Promise.all(instances)).map(String))];
    },
    connectionsOf: async (instance) => {
      const answer = await ask(
        { socketPath: join(nginx.runFolder, `${instance}.sock`) },
        '/readyz',
      );
      return (answer?.body as { connections: number } | undefined)?.connections ?? 0;
    },
    driver: async (...words) => {
      const child = spawn(join(root, 'deploy/drivers/process.sh'), words, {
        env: { ...process.env, ...strings(base) },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const out: Buffer[] = [];
      child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
      const [code] = (await once(child, 'close')) as [number | null];
      return { code, said: '', stdout: Buffer.concat(out).toString('utf8').trim() };
    },
    audit: async () => {
      const text = await readFile(at('state/audit.jsonl'), 'utf8');
      return text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, string>);
    },
    stop: async () => {
      guard.stdin.end();
      await once(guard, 'exit');
      await nginx.stop();
    },
  };
}
