/** A machine of its own, set up as deploy/README.md says: shipped nginx configuration, units, settings and paths; stores of the test's. */
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';

import { rollingScript, lines, type RollingScript, type Settings } from './rolling-script.ts';
import { freePort } from './services/free-port.ts';
import { startMachine, type Machine } from './services/machine.ts';

export interface RemoteHost {
  readonly machine: Machine;
  readonly url: string;
  readonly script: RollingScript;
  /** A release of the real server; `before` is code that runs first. */
  release(name: string, before?: string): Promise<void>;
  stop(): Promise<void>;
}

export interface RemoteHostParts {
  readonly repository: string;
  readonly postgres: string;
  readonly redis: string;
  readonly settings: Settings;
}

export async function startRemoteHost(parts: RemoteHostParts): Promise<RemoteHost> {
  const machine = await startMachine(parts.repository);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await machine.run('useradd', '--system', '--home', '/var/lib/trackstand', 'trackstand');
  const nginx = `${parts.repository}/deploy/nginx`;
  for (const name of await readdir(nginx)) {
    await cp(`${nginx}/${name}`, machine.at(`/etc/nginx/${name}`), { recursive: true });
    if (!name.endsWith('.conf')) continue;
    const text = await readFile(machine.at(`/etc/nginx/${name}`), 'utf8');
    await writeFile(
      machine.at(`/etc/nginx/${name}`),
      text.replace('listen 80 ', `listen 127.0.0.1:${port} `),
    );
  }
  const units = `${parts.repository}/deploy/systemd`;
  for (const name of await readdir(units))
    if (name.endsWith('.service'))
      await cp(`${units}/${name}`, machine.at(`/etc/systemd/system/${name}`));
  await machine.write(
    '/etc/trackstand/app.env',
    lines({
      DATABASE_URL: parts.postgres,
      REDIS_URL: parts.redis,
      TRACKSTAND_SECRET: 'a secret of thirty-two characters or more',
      LOG_LEVEL: 'warn',
      CHECKPOINT_MS: 200,
      DRAIN_MOVES_PER_S: 500,
      DRAIN_GRACE_MS: 30_000,
      SESSIONS_PER_HOUR_MAX: 1_000_000,
      CONNECTIONS_PER_ADDRESS_MAX: 10_000,
    }),
    0o600,
  );
  await machine.run('mkdir', '-p', '/var/lib/trackstand/releases');
  const script = await rollingScript({
    deployFolder: '/opt/trackstand/deploy',
    configFile: '/etc/trackstand/rolling.conf',
    settings: { NODE: process.execPath, PROXY_URL: url, ...parts.settings },
    machine,
  });
  await machine.run('systemctl', 'daemon-reload');
  await machine.run('systemctl', 'start', 'nginx');
  return {
    machine,
    url,
    script,
    release: async (name, before = '') => {
      const at = (file: string): string => `/var/lib/trackstand/releases/${name}/${file}`;
      await machine.write(at('package.json'), '{"type":"module"}');
      await machine.write(at('dist/server/before.js'), before);
      await machine.write(
        at('dist/server/main.js'),
        `await import('./before.js');\nawait import('/opt/trackstand/dist/server/main.js');\n`,
      );
      await machine.write(
        at('dist/server/sessions.js'),
        `await import('/opt/trackstand/dist/server/sessions.js');\n`,
      );
    },
    stop: () => machine.stop(),
  };
}
