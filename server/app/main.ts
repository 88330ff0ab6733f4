/** The process of the workout app's server: read config, build the app, listen, and leave in order. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { ConfigError, readConfig, secretVariables } from '../config.ts';
import { buildApp } from './build-app.ts';
import { listen } from './listen.ts';

/** The configuration is wrong: restarting would not help (sysexits.h EX_CONFIG). */
const exitConfig = 78;

async function main(): Promise<void> {
  const config = readConfig(process.env);
  // A crash report of Node's lists the environment.
  for (const name of secretVariables) delete process.env[name];
  const page = fileURLToPath(new URL('../app/', import.meta.url));
  const app = await buildApp(config, {
    page: existsSync(page) ? page : undefined,
    onHandOver: (start) => process.on('SIGUSR2', start),
  });
  const leave = (): void => {
    // A second signal ends the drain at once; what was accepted is in the stores.
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.once(signal, () => process.exit(1));
    app.close().then(
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
