/** A machine to deploy to: real nginx, real stores, plain processes, and rolling.sh over a folder of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { ask } from '../../deploy/verdict/ask.ts';
import { instanceAt, routeNames } from '../../deploy/verdict/routes.ts';
import { builtInPlans } from '../../shared/workout/built-in-plans.ts';
import { startNginx, type NginxService } from './services/nginx-service.ts';

export interface Outcome {
  readonly code: number | null;
  /** What it said to people. */
  readonly said: string;
  readonly stdout: string;
}

export interface DeployHost {
  readonly nginx: NginxService;
  readonly url: string;
  readonly folder: string;
  readonly envFile: string;
  /** A release of the real server; `before` is code that runs first, for a release that is bad in some way. */
  release(name: string, before?: string): Promise<void>;
  rolling(...words: readonly string[]): Promise<Outcome>;
  /** Starts it, and kills the script with -9 when it announces that step. False when it ended before. */
  killedAt(step: string, ...words: readonly string[]): Promise<boolean>;
  /** Starts it, and calls back at each step it announces. */
  watched(act: (step: string) => void, ...words: readonly string[]): Promise<Outcome>;
  /** Instances the routes lead to, each once, in order. */
  routed(): Promise<string[]>;
  connectionsOf(instance: string): Promise<number>;
  driver(...words: readonly string[]): Promise<Outcome>;
  configure(more: Settings): Promise<void>;
  /** As a full disk would: no file written by rolling.sh may get longer. */
  limitFileBytes(bytes: number | undefined): void;
  audit(): Promise<Record<string, string>[]>;
  stop(): Promise<void>;
}

export interface DeployHostParts {
  readonly repository: string;
  /** Built. */
  readonly verdictFile: string;
  readonly serverFile: string;
  readonly postgres: string;
  readonly redis: string;
  /** Of rolling.sh. */
  readonly settings?: Settings | undefined;
  /** Of the instances. */
  readonly instanceSettings?: Settings | undefined;
}

export type Settings = Readonly<Record<string, string | number>>;

/** At the end of its input it ends every instance of the run folder, also when the test process was killed. */
const guardScript = `cat > /dev/null; for pid in $(cat "$1"/*.pid "$1"/*.child 2>/dev/null); do kill -9 "$pid" 2>/dev/null; done; :`;

const trySession = JSON.stringify({
  kind: 'workout',
  input: { plan: builtInPlans[0]?.plan, ftpW: 200 },
});

export async function startDeployHost(parts: DeployHostParts): Promise<DeployHost> {
  const { repository: root, verdictFile: verdict, serverFile: main } = parts;
  const nginx = await startNginx(join(root, 'deploy/nginx'));
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
      DRAIN_GRACE_MS: 15_000,
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
    READY_DEADLINE_S: 20,
    SOAK_S: 0.5,
    DRAIN_DEADLINE_S: 20,
    TRY_SESSION: trySession,
    ...parts.settings,
  };
  const configure = (more: Settings): Promise<void> =>
    writeFile(at('rolling.conf'), lines({ ...base, ...more }, quoted));
  await configure({});

  let fileBlocksMax = 'unlimited';
  const start = (words: readonly string[]) =>
    spawn(
      'bash',
      [
        '-c',
        'ulimit -f "$1" && shift && exec "$@"',
        'bash',
        fileBlocksMax,
        join(root, 'deploy/rolling.sh'),
        ...words,
        '--config',
        at('rolling.conf'),
        '--json',
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
  const watched: DeployHost['watched'] = async (act, ...words) => {
    const child = start(words);
    const out: string[] = [];
    const said: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => {
      out.push(line);
      const step = /"event":"step","text":"([^"]*)"/.exec(line)?.[1];
      if (step !== undefined) act(step);
    });
    createInterface({ input: child.stderr }).on('line', (line) => said.push(line));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, said: said.join('\n'), stdout: out.join('\n') };
  };
  return {
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
    },
    watched,
    rolling: (...words) => watched(() => {}, ...words),
    killedAt: async (step, ...words) => {
      const child = start(words);
      const ended = once(child, 'close');
      child.stderr.resume();
      let isKilled = false;
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (!line.includes(`"step","text":"${step}"`)) return;
        isKilled = child.kill('SIGKILL');
      });
      await ended;
      return isKilled;
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
    configure,
    limitFileBytes: (bytes) => {
      // Blocks of 1024 bytes.
      fileBlocksMax = bytes === undefined ? 'unlimited' : String(Math.ceil(bytes / 1024));
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

const strings = (values: Settings): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]));

const quoted = (value: string): string => `'${value.replaceAll("'", `'\\''`)}'`;

function lines(values: Settings, form: (value: string) => string = (value) => value): string {
  return `${Object.entries(strings(values))
    .map(([key, value]) => `${key}=${form(value)}`)
    .join('\n')}\n`;
}
