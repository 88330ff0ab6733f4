/** The process of the workout app's server: read config, build the app, listen, and leave in order. */
import cluster from 'node:cluster';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { ConfigError, readConfig, secretVariables } from '../config.ts';
import { buildApp } from './build-app.ts';
import { sharePort } from './leave-port.ts';
import { listen } from './listen.ts';

/** The configuration is wrong: restarting would not help (sysexits.h EX_CONFIG). */
const exitConfig = 78;

async function main(): Promise<void> {
  const config = readConfig(process.env);
  // A crash report of Node's lists the environment.
  for (const name of secretVariables) delete process.env[name];
  const page = fileURLToPath(new URL('../app/', import.meta.url));
  let handOver: (() => void) | undefined;
  const app = await buildApp(config, {
    page: existsSync(page) ? page : undefined,
    onHandOver: (start) => {
      handOver = start;
      process.on('SIGUSR2', start);
    },
  });
  // Started by deploy/one-port.mjs: another process accepts on the same port when this one leaves.
  const port = cluster.isWorker ? sharePort(app, () => handOver?.()) : undefined;
  const leave = (): void => {
    // A second signal ends the drain at once; what was accepted is in the stores.
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.once(signal, () => process.exit(1));
    Promise.resolve(port?.leave())
      .then(() => app.close())
      .then(
        () => process.exit(0),
        () => process.exit(1),
      );
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, leave);
  await listen(app, config);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(error instanceof ConfigError ? exitConfig : 1);
});
